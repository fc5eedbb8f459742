import type { Client, ConnectionState, Conversation } from '../../../src/client/index.ts'
import type { Failure } from '../../../src/protocol/index.ts'
import { erase } from '../../loader/erase.ts'
import type { Boot, OpenOptions } from '../contract.ts'
import type { Uploads } from '../lazy/uploads.ts'
import { About } from './about.ts'
import { Composer } from './composer.ts'
import { connectVisitor } from './connect.ts'
import { Kept } from './kept.ts'
import { Session } from './session.ts'
import { firstState, type Sheet, type State } from './state.ts'
import { Store } from './store.ts'
import { openTabs, type Tabs } from './tabs.ts'
import { Talks } from './talks.ts'
import { chooseLanguage, loadWords, wantedLanguages } from './words.ts'

/** The visitor's chat: what they do with it, from the first page on which it is opened to the last. */
export class Chat {
  readonly store = new Store<State>(firstState)
  readonly boot: Boot
  readonly about: About
  readonly talks: Talks
  readonly composer: Composer
  readonly tabs: Tabs
  /** Of one visitor, like the session: whoever comes after them gets new ones, and what was begun for them sees that it is over. */
  kept: Kept
  #session: Session
  /** What the page has said last of who this is. */
  #identity: string | undefined
  #keeps: boolean
  #client: Client<'visitor'> | undefined
  #begun: Promise<void> | undefined
  #language: string | undefined
  #spoken: Promise<void> | undefined

  constructor(boot: Boot) {
    this.boot = boot
    this.#keeps = boot.keeps
    this.kept = this.#newKept()
    this.#identity = boot.identity
    this.#session = new Session(boot, this.kept, boot.identity)
    this.about = new About(this)
    this.talks = new Talks(this)
    this.composer = new Composer(this)
    this.tabs = openTabs(boot.key, {
      talk: reference => this.talks.follow(reference),
      forgotten: () => this.#forget(),
      written: written => this.#begun && this.composer.hear(written),
    })
    this.store.set(this.#freshState())
    this.speak(boot.language)
    if (boot.keeps) void this.#start()
  }

  get client(): Client<'visitor'> {
    this.#client ??= this.#newClient()
    return this.#client
  }

  get talk(): Conversation | undefined {
    return this.talks.current
  }

  /** The visitor has done something in the widget: from now on it may keep things. */
  readonly touched = (): void => {
    this.#keeps = true
    this.boot.tell({ type: 'known', keeps: true })
    void this.kept.allow()
  }

  /** For what the visitor does. False: they were forgotten meanwhile, and what was to come of it is not for whoever comes next. */
  begin(): Promise<boolean> {
    this.touched()
    return this.#start()
  }

  open({ text, greeting }: OpenOptions = {}): void {
    const { kept, talk } = this
    if (greeting && !(talk && kept.goesOn)) {
      if (talk) this.talks.choose(null)
      this.store.set({ greeting })
    }
    void this.#start().then(isStill => {
      if (isStill && text && !this.store.state.draft) void this.composer.keep({ draft: text })
    })
    if (this.store.state.open) return
    this.store.set({ open: true })
    this.boot.tell({ type: 'open' })
    this.talks.look()
  }

  close(): void {
    if (!this.store.state.open) return
    this.store.set({ open: false, sheet: undefined })
    this.boot.tell({ type: 'close' })
  }

  speak(tag: string | undefined): void {
    this.#language = tag
    const { config } = this.boot
    const chosen = chooseLanguage(wantedLanguages(tag, config))
    this.#spoken = loadWords(chosen, config)
      .catch(() => loadWords('en', config))
      .then(words => {
        if (this.#language === tag) this.store.set({ words })
      })
    this.#spoken.catch((error: unknown) => {
      this.#spoken = undefined
      this.fail({ code: 'unavailable', message: String(error) })
    })
  }

  /** There are words, without which nothing is drawn; asked for again where they could not be had. */
  async spoken(): Promise<void> {
    if (!this.#spoken) this.speak(this.#language)
    await this.#spoken
  }

  write(draft: string): void {
    this.store.set({ draft, notice: '' })
    void this.begin()
    void this.composer.keep({ draft })
    this.talk?.setTyping(draft !== '')
  }

  /** Sends what is in the composer, or a quick reply in the place of it. */
  async say(reply?: string): Promise<void> {
    const { draft, uploads } = this.store.state
    const text = (reply ?? draft).trim()
    const files = reply === undefined ? uploads : []
    if (reply === undefined) {
      this.store.set({ draft: '', uploads: [], notice: '' })
      // Where the browser is slow to open what it keeps, this would be taken for a draft of an earlier page.
      this.kept.forgetHere('draft')
    } else this.toComposer()
    if (!(await this.begin())) return
    const parts = files.flatMap(({ kind, fileId, name }) => (fileId ? [{ type: kind, fileId, name }] : []))
    this.talks.say([...(text ? [{ type: 'text' as const, text }] : []), ...parts])
    if (reply !== undefined) return
    // Only now: what is sent is kept by itself. Something else may be typed already.
    const now = this.store.state
    await this.composer.keep({ draft: now.draft, uploads: now.uploads })
  }

  toComposer(): void {
    this.store.set({ turn: this.store.state.turn + 1 })
  }

  async callPerson(): Promise<void> {
    this.toComposer()
    if (!(await this.begin())) return
    const answer = await this.talks.start().callPerson()
    const { words } = this.store.state
    if (!answer.ok && answer.error.code !== 'conflict' && words) this.store.set({ notice: words('wrong') })
  }

  async withUploads(act: (uploads: Uploads) => void): Promise<void> {
    await this.composer.withUploads(act)
  }

  show(sheet: Sheet | undefined): void {
    this.store.set({ sheet, notice: '' })
  }

  mute(muted: boolean): void {
    this.store.set({ muted })
    void this.kept.set('muted', muted)
  }

  async identify(identity: string): Promise<void> {
    // Some pages say it with each of their renders.
    if (identity === this.#identity) return
    this.#identity = identity
    if (this.#session.isAnother(await this.kept.get('visitor'), identity)) await this.logout()
    this.#session.identity = this.#identity = identity
    if (this.#client) await this.#again()
    else if (this.#keeps) await this.#start()
  }

  async logout(): Promise<void> {
    this.tabs.tell({ forgotten: true })
    this.#forget()
    await erase(this.boot.key)
  }

  /** What the server refused is asked for again, because the visitor wants it or somebody else comes. */
  retry(): void {
    void this.client.connect()
  }

  fail({ code, message }: Pick<Failure, 'code' | 'message'>): void {
    this.boot.tell({ type: 'error', code, message })
  }

  destroy(): void {
    this.kept.close()
    this.composer.end()
    this.#end()
    this.talks.close()
    this.tabs.close()
  }

  #newKept(): Kept {
    return new Kept(this.boot.key, {
      goesOn: talking => this.boot.tell({ type: 'known', talking }),
      isAnothers: visitor => {
        const isAnothers = this.#session.isAnother(visitor)
        if (isAnothers) this.tabs.tell({ forgotten: true })
        return isAnothers
      },
      erased: () => this.#forget(),
      cameLate: () => {
        this.#end()
        this.#begun = undefined
        void this.#start()
      },
    })
  }

  /** As for somebody who was never here. */
  #freshState(): State {
    const { preChatForm, behaviour } = this.boot.config
    return { ...firstState, introduced: !preChatForm.enabled, muted: !behaviour.sound }
  }

  /** Brings back what is kept, then connects; once. */
  async #start(): Promise<boolean> {
    const { kept } = this
    this.#begun ??= this.#begin(kept)
    await this.#begun
    return !kept.over
  }

  async #begin(kept: Kept): Promise<void> {
    if (this.#keeps) await kept.allow()
    await this.composer.restore(kept)
    const muted = await kept.get<boolean>('muted')
    const introduced = await kept.get<boolean>('introduced')
    if (kept.over) return
    this.store.set({ ...(muted !== undefined && { muted }), ...(introduced && { introduced }) })
    await this.client.connect()
    await this.talks.restore()
  }

  #newClient(): Client<'visitor'> {
    const client = connectVisitor(this.boot, this.#session, this.kept)
    client.on('state', connection => this.#connected(connection))
    return client
  }

  #connected(connection: ConnectionState): void {
    this.store.set({ connection })
    if (connection.status === 'online') {
      this.about.tell()
      void this.talks.findOwn()
    }
    if (connection.status !== 'refused') return
    // Said again, it may be taken then.
    this.#identity = undefined
    if (connection.reason.code === 'visitor_gone') void this.#beginAnew()
    else this.fail(connection.reason)
  }

  /** The server knows this visitor no more. What they typed and what never arrived stands in the composer. */
  async #beginAnew(): Promise<void> {
    const { kept } = this
    this.#end()
    const unsent: (string | undefined)[] = []
    // In the order in which it was written.
    for (const key of (await kept.keys()).sort()) {
      if (!/^(client\/|visitor$|talk$)/.test(key)) continue
      const { record } = (await kept.get<Unsent>(key)) ?? {}
      for (const { text } of record?.input.parts ?? []) unsent.push(text)
      await kept.delete(key)
    }
    if (kept.over) return
    this.composer.takeBack(unsent)
    await this.client.connect()
    this.composer.followTalk()
  }

  async #again(): Promise<void> {
    const { kept } = this
    const { reference } = this.talks
    this.#end()
    await this.client.connect()
    if (reference && !kept.over) this.talks.follow(reference)
  }

  #end(): void {
    this.talks.leave()
    this.#client?.close()
    this.#client = undefined
  }

  #forget(): void {
    this.kept.close()
    this.kept = this.#newKept()
    this.kept.goesOn = false
    this.#session = new Session(this.boot, this.kept)
    this.#identity = undefined
    this.#keeps = this.boot.config.behaviour.storage === 'always'
    this.composer.end()
    this.#end()
    this.about.forget()
    this.talks.forget()
    this.#begun = undefined
    const { words, dark } = this.store.state
    this.close()
    this.store.set({ ...this.#freshState(), words, dark })
    this.boot.tell({ type: 'unread', count: 0 })
  }
}

/** What the client of the log keeps of something that was not sent, as far as it fits into the composer. */
interface Unsent {
  readonly record?: { readonly input: { readonly parts?: readonly { readonly text?: string }[] } }
}
