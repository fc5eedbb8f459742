import type { CommandInput, Failure } from '../../../src/protocol/index.ts'
import type { Chat } from './chat.ts'
import type { Kept } from './kept.ts'

type Description = CommandInput<'visitor.describe'>
type Page = Pick<CommandInput<'visitor.page'>, 'url' | 'title' | 'referrer'>

/** What the visitor and their page say of them. It is kept until the server has it. */
export class About {
  readonly #chat: Chat
  #page: Page | false = false
  #telling = false
  #tellingPage = false
  #describing: Promise<void> = Promise.resolve()

  constructor(chat: Chat) {
    this.#chat = chat
  }

  /** One after the other: each adds to what is kept of those before. */
  describe(description: Description): Promise<void> {
    const { kept } = this.#chat
    const { attributes, ...own } = description
    if (Object.keys({ ...own, ...attributes }).length > 0)
      this.#describing = this.#describing.then(() => this.#add(description, kept))
    return this.#describing
  }

  /** False: it may not be told, or no more. */
  onPage(page: Page | false): void {
    this.#page = page
    void this.#tellPage()
  }

  /** There is a connection. */
  tell(): void {
    void this.#tellPage()
    if (this.#telling) return
    this.#telling = true
    void this.#tellDescription().finally(() => {
      this.#telling = false
    })
  }

  forget(): void {
    this.#page = false
  }

  async #add(description: Description, kept: Kept): Promise<void> {
    const before = await kept.get<Description>('description')
    const attributes = { ...before?.attributes, ...description.attributes }
    await kept.set('description', { ...before, ...description, attributes })
    this.tell()
  }

  async #tellDescription(): Promise<void> {
    const { kept, store } = this.#chat
    for (;;) {
      const description = await kept.get<Description>('description')
      if (!description || store.state.connection.status !== 'online') return
      const answer = await this.#chat.client.request('visitor.describe', description)
      // There is another round once the limit allows it, which the client waits for.
      if (!answer.ok && answer.error.code === 'rate_limited') continue
      if (!answer.ok && answer.error.retryable) return
      const rest = answer.ok ? undefined : this.#refused(description, answer.error)
      this.#describing = this.#describing.then(() => this.#settle(description, rest, kept))
      await this.#describing
    }
  }

  /** In its turn, too. What was added meanwhile goes with the next round. */
  async #settle(told: Description, rest: Description | undefined, kept: Kept): Promise<void> {
    const now = await kept.get<Description>('description')
    if (JSON.stringify(now) !== JSON.stringify(told)) return
    if (rest) await kept.set('description', rest)
    else await kept.delete('description')
  }

  /** What the server may take of it all the same. The visitor hears of what they said themselves; attributes are mostly the page's. */
  #refused({ attributes = {}, ...own }: Description, failure: Failure): Description | undefined {
    this.#chat.fail(failure)
    const faulty = (failure.errors ?? []).map(({ path }) => path)
    const fine = <Values extends object>(values: Values, root = ''): Values =>
      Object.fromEntries(Object.entries(values).filter(([name]) => !faulty.includes(root + name))) as Values
    const said = fine(own)
    const rest = { ...said, attributes: faulty.includes('attributes') ? {} : fine(attributes, 'attributes.') }
    const all = count(own) + count(attributes)
    const left = count(said) + count(rest.attributes)
    // Without a word of what is wrong with it all of it is.
    const lost = left === all ? count(own) : count(own) - count(said)
    const { words } = this.#chat.store.state
    if (words && lost > 0)
      this.#chat.store.set({ notice: words(faulty.includes('email') ? 'badEmail' : 'wrong') })
    return left > 0 && left < all ? rest : undefined
  }

  /** Whoever clicks faster than it can be told is known to be on the last one. */
  async #tellPage(): Promise<void> {
    if (this.#tellingPage || this.#chat.boot.config.behaviour.pageContext === 'never') return
    this.#tellingPage = true
    for (let told: Page | undefined; this.#page && this.#page !== told; ) {
      if (this.#chat.store.state.connection.status !== 'online') break
      const page = this.#page
      const { url, title, referrer } = page
      const answer = await this.#chat.client.request('visitor.page', {
        ...{ url, language: navigator.language, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone },
        ...(title && { title: title.slice(0, 300) }),
        ...(referrer && { referrer: referrer.slice(0, 2_000) }),
      })
      if (answer.ok || answer.error.code !== 'rate_limited') told = page
    }
    this.#tellingPage = false
  }
}

const count = (values: object): number => Object.keys(values).length
