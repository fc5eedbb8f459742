import type { ConversationSnapshot } from '../../../src/client/index.ts'
import type { Chat } from './chat.ts'
import { nameOf, type Person } from './state.ts'

/** Who speaks: asked for when somebody does of whom nothing is known. */
export class People {
  readonly #chat: Chat
  readonly #asked = new Set<string>()

  constructor(chat: Chat) {
    this.#chat = chat
  }

  know({ id, live, messages, conversation }: ConversationSnapshot): void {
    if (!id || !live) return
    const strangers = new Set<string>()
    // Whoever spoke earlier was asked about when they did, or with the others.
    for (const { sender } of messages.slice(-100))
      if (sender && sender.kind !== 'contact') strangers.add(nameOf(sender))
    if (conversation?.assignedMemberId) strangers.add(`member/${conversation.assignedMemberId}`)
    const unknown = [...strangers].filter(one => !this.#asked.has(`${id} ${one}`))
    if (unknown.length === 0) return
    for (const one of unknown) this.#asked.add(`${id} ${one}`)
    void this.#ask(id, unknown)
  }

  async #ask(conversationId: string, about: readonly string[]): Promise<void> {
    const { client, store } = this.#chat
    const answer = await client.request('speakers.read', { conversationId })
    if (!answer.ok) {
      if (answer.error.retryable) for (const one of about) this.#asked.delete(`${conversationId} ${one}`)
      return
    }
    const people: Record<string, Person> = { ...store.state.people }
    for (const { sender, name, avatarUrl } of answer.value.speakers)
      people[nameOf(sender)] = { name, avatarUrl }
    store.set({ people })
  }
}
