import type { IncomingMessage } from 'node:http'
import { type Duplex, pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { OutgoingError, outgoingErrorOf } from './outgoingError.ts'

export interface OutgoingLimits {
  readonly maxBytes: number
  readonly totalMs: number
  readonly maxRedirects: number
}

/** The time that everything until the end of the body has. */
export interface Watch {
  readonly signal: AbortSignal
  end(): void
}

/** The answer as `fetch` gives it, with a body that keeps to the limits. */
export function responseOf(
  message: IncomingMessage,
  from: { readonly url: URL; readonly method: string; readonly redirected: boolean },
  { maxBytes }: OutgoingLimits,
  watch: Watch,
): Response {
  const { statusCode: status = 0, statusMessage: statusText = '' } = message
  if (status < 200 || status > 599) {
    message.destroy()
    throw new OutgoingError('unreadable', 'The server answers with a status that does not exist.')
  }
  const headers = headersOf(message)
  const bare = from.method === 'HEAD' || [204, 205, 304].includes(status)
  const body = bare ? null : bodyOf(message, headers, maxBytes, watch)
  if (bare) {
    watch.end()
    message.destroy()
  }
  const response = new Response(body, {
    status,
    statusText: /^[\t\x20-\x7e]*$/.test(statusText) ? statusText : '',
    headers,
  })
  Object.defineProperties(response, { url: { value: from.url.href }, redirected: { value: from.redirected } })
  return response
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '')
  return headers
}

function bodyOf(
  message: IncomingMessage,
  headers: Headers,
  maxBytes: number,
  watch: Watch,
): ReadableStream<Uint8Array> {
  let given = 0
  const decoded = decodedBody(message, headers, maxBytes)
  const end = () => {
    watch.end()
    message.destroy()
    decoded.destroy()
  }
  // Whoever reads is told of it. Without a listener, a connection that breaks before that would end the program.
  for (const stream of [message, decoded]) stream.on('error', () => undefined)
  const parts: AsyncIterator<Buffer> = decoded.iterator()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await parts.next()
          if (next.done) {
            end()
            controller.close()
            return
          }
          given += next.value.length
          if (given > maxBytes) throw tooLarge(maxBytes)
          controller.enqueue(new Uint8Array(next.value))
        } catch (error) {
          end()
          controller.error(outgoingErrorOf(error, watch.signal))
        }
      },
      cancel: end,
    },
    // Nothing is read before somebody wants it.
    { highWaterMark: 0 },
  )
}

const tooLarge = (maxBytes: number) =>
  new OutgoingError('too_large', `The answer has more than ${maxBytes} bytes.`)

const decoders: Readonly<Record<string, () => Duplex>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

function decodedBody(message: IncomingMessage, headers: Headers, maxBytes: number): Readable {
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity' || encoding === '') return message
  const decoder = decoders[encoding]?.()
  if (!decoder) {
    message.destroy()
    throw new OutgoingError('unreadable', 'The answer is compressed in a way that nobody asked for.')
  }
  headers.delete('content-encoding')
  headers.delete('content-length')
  // Its errors reach whoever reads from the decoder.
  pipeline(message, counted(maxBytes), decoder, () => undefined)
  return decoder
}

/** Counted as they arrive, too: much may come in that nothing comes out of. */
const counted = (maxBytes: number) =>
  async function* (parts: AsyncIterable<Buffer>) {
    let received = 0
    for await (const part of parts) {
      received += part.length
      if (received > maxBytes) throw tooLarge(maxBytes)
      yield part
    }
  }
