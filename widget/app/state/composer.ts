import { insist } from '../insist.ts'
import type { Uploads } from '../lazy/uploads.ts'
import type { Chat } from './chat.ts'
import type { Kept } from './kept.ts'
import { partLimits } from './limits.ts'
import type { Written } from './tabs.ts'

const loadUploads = insist(() => import('../lazy/uploads.ts'))

/** Beside the text. */
const mostFiles = partLimits.parts - 1

/** What is in the composer and not sent yet. It outlives the page, and is the same in every tab. */
export class Composer {
  readonly #chat: Chat
  #uploads: Promise<Uploads> | undefined

  constructor(chat: Chat) {
    this.#chat = chat
  }

  async restore(kept: Kept): Promise<void> {
    // Before anything else is read: the next key that is typed writes over it.
    const draft = await kept.get<string>('draft')
    if (draft && !this.#chat.store.state.draft.startsWith(draft)) this.takeBack([draft])
    this.hear({ uploads: (await kept.get<Written['uploads']>('uploads')) ?? [] })
  }

  /** Of another tab, or page. What is on its way from here stays. */
  hear({ uploads, ...written }: Partial<Written>): void {
    const { store } = this.#chat
    const under = store.state.uploads.filter(({ fileId }) => !fileId)
    store.set({ ...written, ...(uploads && { uploads: [...uploads, ...under] }) })
  }

  /** With every key: a page may end at any moment. Of files those that have arrived. */
  async keep(written: Partial<Written>): Promise<void> {
    const { store, tabs, kept } = this.#chat
    store.set(written)
    const { draft, uploads } = written
    const arrived = uploads?.filter(({ fileId }) => fileId)
    tabs.tell({ ...written, ...(arrived && { uploads: arrived }) })
    if (arrived) await kept.set('uploads', arrived)
    if (draft !== undefined) await kept.set('draft', draft)
  }

  /** What will not arrive is the visitor's to send again. */
  takeBack(texts: readonly (string | undefined)[]): void {
    const { draft } = this.#chat.store.state
    void this.keep({ draft: [...texts, draft].filter(Boolean).join('\n') })
  }

  /** Files on their way, which most visitors never have. */
  async withUploads(act: (uploads: Uploads) => void): Promise<void> {
    this.#uploads ??= loadUploads().then(({ Uploads }) => new Uploads(this.#chat, mostFiles))
    try {
      act(await this.#uploads)
    } catch (error) {
      this.#uploads = undefined
      const { store } = this.#chat
      store.set({ notice: store.state.words?.('wrong') ?? '' })
      this.#chat.fail({ code: 'unavailable', message: String(error) })
    }
  }

  /** Another conversation is before the visitor than the one for which files were uploaded. */
  followTalk(): void {
    if (this.#chat.store.state.uploads.length > 0) void this.withUploads(uploads => uploads.follow())
  }

  end(): void {
    void this.#uploads?.then(uploads => uploads.clear())
    this.#uploads = undefined
  }
}
