/**
 * The PostgreSQL protocol as far as the front needs it: cutting the stream into messages, a few
 * messages of our own, and the one byte of a reply that says whether a transaction is open.
 */

export const PROTOCOL_MAJOR = 3
export const SSL_REQUEST = 80877103
export const GSS_REQUEST = 80877104
export const CANCEL_REQUEST = 80877102

// A statement with its parameters; generous beside the 5 MB documents that go through here, but it
// keeps a broken length field from asking for gigabytes.
const LONGEST_MESSAGE = 256 * 1024 * 1024

export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation'
}

/** Cuts incoming bytes into whole messages, whatever the chunks they arrive in. */
export class MessageReader {
  #chunks: Buffer[] = []
  #size = 0

  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }

  /** The next whole message. The first one of a connection, and only that, has no type byte. */
  next(kind: 'startup' | 'typed'): Buffer | undefined {
    const typeBytes = kind === 'typed' ? 1 : 0
    if (this.#size < typeBytes + 4) return undefined
    if (this.#front().length < typeBytes + 4) this.#join()
    const length = this.#front().readInt32BE(typeBytes)
    if (length < 4 || length > LONGEST_MESSAGE)
      throw new ProtocolViolation(`invalid message length ${length}`)
    const total = typeBytes + length
    // Joined only once the message is complete: joining at every chunk would copy a large one over and over.
    if (this.#size < total) return undefined
    if (this.#front().length < total) this.#join()
    const front = this.#front()
    this.#size -= total
    if (front.length === total) this.#chunks.shift()
    else this.#chunks[0] = front.subarray(total)
    return front.subarray(0, total)
  }

  #front(): Buffer {
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks)]
  }
}

export function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf8')
}

/** A typed message around its body. */
export function message(type: string, ...body: Buffer[]): Buffer {
  const header = Buffer.alloc(5)
  header.write(type, 0, 'latin1')
  header.writeInt32BE(
    body.reduce((sum, part) => sum + part.length, 4),
    1,
  )
  return Buffer.concat([header, ...body])
}

export const SYNC = message('S')

/**
 * Ends a COPY FROM STDIN with an error. Put before the end of every unit: the engine would wait for the data,
 * find no more input and exit. Outside of a COPY Postgres ignores this message.
 */
export const COPY_FAIL = message('f', cString('the embedded database has no COPY FROM STDIN'))

export function query(sql: string): Buffer {
  return message('Q', cString(sql))
}

export function closeStatement(name: string): Buffer {
  return message('C', Buffer.from('S'), cString(name))
}

export function fatal(code: string, text: string): Buffer {
  const fields = [`SFATAL`, `VFATAL`, `C${code}`, `M${text}`].map(cString)
  return message('E', ...fields, Buffer.alloc(1))
}

export type TransactionStatus = 'idle' | 'open' | 'failed'

/**
 * What the ReadyForQuery at the very end of a reply says, or undefined where the reply has none: the
 * client has yet to send its Sync. Asking the engine for its state instead would lose that difference.
 */
export function statusOf(reply: Buffer): TransactionStatus | undefined {
  const at = reply.length - 6
  if (at < 0 || reply[at] !== 0x5a || reply.readInt32BE(at + 1) !== 5) return undefined
  const status = String.fromCharCode(reply[at + 5] ?? 0)
  if (status === 'I') return 'idle'
  if (status === 'T') return 'open'
  return status === 'E' ? 'failed' : undefined
}

/** The messages of a reply: type and body. */
function* messagesIn(reply: Buffer): Generator<[type: string, body: Buffer]> {
  for (let at = 0; at + 5 <= reply.length; ) {
    const end = at + 1 + reply.readInt32BE(at + 1)
    yield [reply.toString('latin1', at, at + 1), reply.subarray(at + 5, end)]
    at = end
  }
}

/** The message of the first ErrorResponse in a reply. */
export function errorIn(reply: Buffer): string | undefined {
  for (const [type, body] of messagesIn(reply)) {
    if (type !== 'E') continue
    const fields = body.toString('utf8').split('\0')
    return fields.find(field => field.startsWith('M'))?.slice(1) ?? 'unknown error'
  }
  return undefined
}

/** The rows of a reply to a simple query, as text. */
export function rowsIn(reply: Buffer): (string | null)[][] {
  const rows: (string | null)[][] = []
  for (const [type, body] of messagesIn(reply)) {
    if (type !== 'D') continue
    const row: (string | null)[] = []
    let at = 2
    while (row.length < body.readInt16BE(0)) {
      const length = body.readInt32BE(at)
      row.push(length < 0 ? null : body.toString('utf8', at + 4, at + 4 + length))
      at += 4 + Math.max(length, 0)
    }
    rows.push(row)
  }
  return rows
}

/** The parameters of a StartupMessage: key, value, key, value … each ended by a zero byte. */
export function startupParameters(packet: Buffer): Map<string, string> {
  const words = packet.toString('utf8', 8).split('\0')
  const parameters = new Map<string, string>()
  for (let at = 0; at + 1 < words.length && words[at] !== ''; at += 2) {
    parameters.set(words[at] ?? '', words[at + 1] ?? '')
  }
  return parameters
}
