import type { Socket } from 'socket.io'

/** Both of one socket: a connection is one session. */
interface KeptSockets {
  sockets: unknown
  nsps: unknown
}

/** Socket.IO keeps two maps for the sockets of a connection, with room for four in each. A test asserts their names. */
export function keepOnly(socket: Socket): void {
  const kept = socket.client as unknown as KeptSockets
  const only = new OnlySocket(socket)
  kept.sockets = only
  kept.nsps = only
}

/** What Socket.IO asks of a map of sockets, be it by their id or by the name of their namespace. */
class OnlySocket {
  #socket: Socket | undefined

  constructor(socket: Socket) {
    this.#socket = socket
  }

  get size(): number {
    return this.#socket ? 1 : 0
  }

  get(key: string): Socket | undefined {
    return key === this.#socket?.id || key === this.#socket?.nsp.name ? this.#socket : undefined
  }

  has(key: string): boolean {
    return this.get(key) !== undefined
  }

  set(_key: string, socket: Socket): void {
    this.#socket = socket
  }

  delete(key: string): void {
    if (this.has(key)) this.#socket = undefined
  }

  clear(): void {
    this.#socket = undefined
  }

  values(): Iterable<Socket> {
    return this.#socket ? [this.#socket] : []
  }
}

/** A set of which most are of one entry: a set proper takes the room of four. */
export class MostlyOne<Entry> implements Iterable<Entry> {
  #one: Entry | undefined
  #more: Set<Entry> | undefined

  get size(): number {
    return this.#more?.size ?? (this.#one === undefined ? 0 : 1)
  }

  has(entry: Entry): boolean {
    return this.#more?.has(entry) ?? (entry !== undefined && entry === this.#one)
  }

  add(entry: Entry): this {
    if (this.#more) this.#more.add(entry)
    else if (this.#one === undefined) this.#one = entry
    else if (entry !== this.#one) this.#more = new Set([this.#one, entry])
    return this
  }

  delete(entry: Entry): boolean {
    if (this.#more) return this.#more.delete(entry)
    if (!this.has(entry)) return false
    this.#one = undefined
    return true
  }

  forEach(work: (entry: Entry) => void): void {
    for (const entry of this) work(entry)
  }

  [Symbol.iterator](): IterableIterator<Entry> {
    return this.#more?.values() ?? (this.#one === undefined ? [] : [this.#one]).values()
  }
}
