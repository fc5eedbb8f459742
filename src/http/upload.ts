import type { Request } from 'express'
import { ParleyError } from '../kernel/index.ts'

/** A file on its way to us. */
export interface Upload {
  /** What the sender says it is, without parameters; undefined where nothing is said. */
  readonly declaredType: string | undefined
  /** What the sender says it has; it may turn out otherwise, or not be known before. */
  readonly declaredSize: number | undefined
  /** Can be read once. Ends with an error if the sender breaks off or falls silent. */
  readonly content: AsyncIterable<Uint8Array>
}

/** Whoever sends nothing for so long is gone, or holds a connection for nothing. */
const silenceMs = 30_000

export function uploadOf(request: Request): Upload {
  // Somebody in front has read it already, because it said that it is JSON.
  if (request.body !== undefined) {
    throw new ParleyError('unsupported_media_type', 'Files of the type application/json are not taken.')
  }
  const type = request.get('content-type')?.split(';')[0]?.trim().toLowerCase()
  const length = request.get('content-length')
  return {
    declaredType: type || undefined,
    declaredSize: length === undefined ? undefined : Number(length),
    content: read(request),
  }
}

async function* read(request: Request): AsyncIterable<Uint8Array> {
  // Left standing when nobody reads on: whoever is refused halfway must still get to know why.
  const steps = request.iterator({ destroyOnReturn: false })
  for (;;) {
    const step = await nextOf(steps, request)
    if (step.done) return
    yield step.value
  }
}

/** The clock runs only while we wait for the sender, not while the sender waits for our store. */
async function nextOf(
  steps: AsyncIterator<Uint8Array>,
  request: Request,
): Promise<IteratorResult<Uint8Array>> {
  let silent = false
  const silence = setTimeout(() => {
    silent = true
    request.destroy()
  }, silenceMs)
  try {
    return await steps.next()
  } catch (error) {
    const detail = silent ? 'The sender fell silent.' : 'The request ended before its body did.'
    throw new ParleyError('invalid_request', detail, { cause: error })
  } finally {
    clearTimeout(silence)
  }
}

/** After the answer to what was not read to its end, a file above all: senders that listen stop by themselves, others are cut. */
export function discardRest(request: Request): void {
  if (request.complete || request.destroyed) return
  const cut = setTimeout(() => request.destroy(), 5_000)
  request.once('close', () => clearTimeout(cut))
  request.resume()
}
