import type { Chat } from './chat.ts'

const everyMs = 15_000

/** How it looks in the line for people, asked for as long as somebody stands there. */
export class QueueWatch {
  readonly #chat: Chat
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(chat: Chat) {
    this.#chat = chat
  }

  watch(waits: boolean): void {
    if (!waits) this.stop()
    if (!waits || this.#timer !== undefined) return
    this.#timer = setInterval(() => void this.#ask(), everyMs)
    void this.#ask()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#chat.store.set({ queue: undefined })
  }

  async #ask(): Promise<void> {
    const { client, store } = this.#chat
    const conversationId = store.state.talk?.id
    if (!conversationId) return
    const answer = await client.request('queue.read', { conversationId })
    // What it was a moment ago is better than nothing.
    if (answer.ok && this.#timer !== undefined) store.set({ queue: answer.value })
  }
}
