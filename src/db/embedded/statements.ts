import { closeStatement, cString, message, ProtocolViolation } from './wire.ts'

// Never the name of a statement, so that Postgres itself refuses in the right place, with a message that explains.
const LOST_UNNAMED = 'unnamed: the embedded database keeps it only until Sync'

/**
 * Gives every connection prepared statements of its own.
 *
 * The engine has one session and therefore one table of statements. Names are replaced by short ones
 * that carry the connection's number: short, because Postgres compares only the first 63 bytes.
 * The unnamed statement cannot be renamed (naming it would need a Close, whose reply the client does
 * not expect), and another connection may overwrite it once this one has given up its turn, which it
 * does at Sync at the earliest. Using it beyond Sync is therefore refused, rather than ever running
 * another connection's statement.
 *
 * Portals need nothing: they end with the transaction, hence within the turn.
 */
export class Statements {
  #names = new Map<string, string>()
  #unnamedParsed = false
  readonly #connection: number

  constructor(connection: number) {
    this.#connection = connection
  }

  /** The message as the engine may see it. Call in the order of arrival. */
  translate(incoming: Buffer): Buffer {
    switch (String.fromCharCode(incoming[0] ?? 0)) {
      case 'P': {
        const [name, rest] = split(incoming, 5)
        if (name === '') this.#unnamedParsed = true
        return name === '' ? incoming : message('P', cString(this.#nameFor(name)), rest)
      }
      case 'B': {
        const [portal, afterPortal] = split(incoming, 5)
        const [name, rest] = split(afterPortal, 0)
        const own = this.#nameFor(name)
        return own === '' ? incoming : message('B', cString(portal), cString(own), rest)
      }
      case 'D':
      case 'C': {
        if (incoming[5] !== 0x53) return incoming
        const [name, rest] = split(incoming, 6)
        const own = this.#nameFor(name)
        return own === ''
          ? incoming
          : message(incoming.toString('latin1', 0, 1), Buffer.from('S'), cString(own), rest)
      }
      case 'S':
        this.#unnamedParsed = false
        return incoming
      default:
        return incoming
    }
  }

  /** What closes every statement this connection may have prepared; closing one that never came to be is no error. */
  closing(): Buffer[] {
    return [...this.#names.values()].map(closeStatement)
  }

  #nameFor(name: string): string {
    if (name === '') return this.#unnamedParsed ? '' : LOST_UNNAMED
    const known = this.#names.get(name)
    if (known !== undefined) return known
    const short = `c${this.#connection}s${this.#names.size}`
    this.#names.set(name, short)
    return short
  }
}

/** The zero-ended text that begins at `at`, and what follows it. */
function split(bytes: Buffer, at: number): [text: string, rest: Buffer] {
  const end = bytes.indexOf(0, at)
  if (end < 0) throw new ProtocolViolation('a name in a message does not end')
  return [bytes.toString('utf8', at, end), bytes.subarray(end + 1)]
}
