import { growing, pause } from '../../kernel/index.ts'
import type { Outgoing } from '../../providers/outgoing.ts'
import { SourceProblem } from '../problems.ts'

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>
  readonly maxBytes: number
  readonly signal: AbortSignal
}

export interface Fetched {
  /** Where it came from in the end. */
  readonly url: URL
  /** In small letters, without parameters. */
  readonly mimeType: string
  /** As the server said it. */
  readonly contentType: string
  readonly headers: Headers
  readonly bytes: Uint8Array
}

const attempts = 3
const firstPauseMs = 500
const longestPauseMs = 20_000

/** Reads an address, again where that may help. What does not come is a `SourceProblem` or an `OutgoingError`. */
export async function fetchBytes(outgoing: Outgoing, address: string, asked: Asked): Promise<Fetched> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fetchOnce(outgoing, address, asked)
    } catch (error) {
      asked.signal.throwIfAborted()
      const wait = error instanceof Refused ? error.retryAfterMs : undefined
      if (attempt + 1 >= attempts || !isWorthRepeating(error) || (wait ?? 0) > longestPauseMs) throw error
      await pause(wait ?? growing(firstPauseMs, attempt), asked.signal)
    }
  }
}

async function fetchOnce(outgoing: Outgoing, address: string, asked: Asked): Promise<Fetched> {
  const { headers = {}, maxBytes, signal } = asked
  const response = await outgoing.fetch(address, { headers, signal, limits: { maxBytes } })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Refused(response.status, response.headers)
  }
  const bytes = new Uint8Array(await response.arrayBuffer())
  const contentType = response.headers.get('content-type') ?? ''
  const mimeType = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  return { url: new URL(response.url), contentType, mimeType, headers: response.headers, bytes }
}

/** The server answered, and not with what was asked for. */
export class Refused extends SourceProblem {
  readonly status: number
  readonly headers: Headers

  constructor(status: number, headers: Headers) {
    super(meaningOf(status, headers))
    this.status = status
    this.headers = headers
  }

  get retryAfterMs(): number | undefined {
    const said = this.headers.get('retry-after') ?? ''
    return /^\d{1,6}$/.test(said) ? Number(said) * 1_000 : undefined
  }
}

function meaningOf(status: number, headers: Headers) {
  // GitHub says so in this way.
  if (status === 429 || (status === 403 && headers.get('x-ratelimit-remaining') === '0'))
    return 'rate_limited'
  if (status === 404 || status === 410) return 'not_found'
  return status >= 500 ? 'server_failed' : 'access_denied'
}

const isWorthRepeating = (error: unknown): boolean =>
  error instanceof Refused
    ? error.status === 429 || error.status >= 500
    : error instanceof Error && 'retryable' in error && error.retryable === true
