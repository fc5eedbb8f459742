import { setTimeout as sleep } from 'node:timers/promises'
import { RawSocket, type RawSocketOptions, Refused } from './rawSocket.ts'

interface Entry {
  readonly seq: number
}
interface Page {
  readonly entries: readonly Entry[]
  readonly head: number
  readonly more: boolean
}

/**
 * The least that a client of the log does: it keeps the last position it applied, applies what follows it, and asks for what is
 * missing after a gap, a reconnect or a newer head.
 */
export class Replica {
  /** Every entry up to here has been applied, each once. */
  position = 0
  /** Told of each entry as it is applied. */
  onEntry: (entry: Entry & { readonly clientId: string }) => void = () => undefined
  readonly #options: RawSocketOptions
  readonly #conversationId: string
  #socket: RawSocket | undefined
  #head = 0
  #asking = false

  constructor(options: RawSocketOptions, conversationId: string) {
    this.#options = options
    this.#conversationId = conversationId
  }

  /** Resolves once everything that was there at the time is applied. */
  async connect(): Promise<void> {
    const socket = await RawSocket.connect(this.#options)
    this.#socket = socket
    socket.onEvent = text => this.#event(socket, text)
    const after = { conversationId: this.#conversationId, after: this.position, limit: 200 }
    this.#apply(await socket.ask<Page>('conversation.open', after))
    await this.#catchUp(socket)
  }

  kill(): void {
    this.#socket?.kill()
    this.#socket = undefined
  }

  #event(socket: RawSocket, text: string): void {
    const [name, payload] = JSON.parse(text) as [string, Page]
    if (name === 'entries') this.#apply(payload)
    else if (name === 'head') this.#head = Math.max(this.#head, payload.head)
    if (this.#head > this.position) void this.#catchUp(socket)
  }

  #apply({ entries, head }: Page): void {
    this.#head = Math.max(this.#head, head)
    for (const entry of entries) {
      if (entry.seq !== this.position + 1) continue
      this.position = entry.seq
      this.onEntry(entry as Entry & { clientId: string })
    }
  }

  async #catchUp(socket: RawSocket): Promise<void> {
    // Not before the first answer: until then the socket has not opened the conversation.
    if (this.#asking) return
    this.#asking = true
    try {
      while (this.#head > this.position && socket === this.#socket) {
        const wanted = { conversationId: this.#conversationId, after: this.position, limit: 200 }
        const page = await socket.ask<Page>('history.read', wanted).catch(notNow)
        if (page) this.#apply(page)
        else await sleep(1_000)
      }
    } finally {
      this.#asking = false
    }
  }
}

/** What is refused for a moment is asked for again, as every client does. */
function notNow(error: unknown): undefined {
  if (!(error instanceof Refused && error.retryable)) throw error
}
