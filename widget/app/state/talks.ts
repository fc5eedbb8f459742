import type { Beginning, Conversation, ConversationSnapshot, Message } from '../../../src/client/index.ts'
import type { CommandInput } from '../../../src/protocol/index.ts'
import type { Teaser } from '../contract.ts'
import { whoIs } from '../view/who.ts'
import type { Chat } from './chat.ts'
import { talkKey } from './kept.ts'
import { People } from './people.ts'
import { QueueWatch } from './queue.ts'
import { saidIn } from './said.ts'

/** By the id that the server gave it, or until then by the name it was begun with. */
export type Reference = { readonly id: string } | { readonly clientId: string }

/** How far the visitor has read in a conversation. */
interface Read {
  readonly id: string
  readonly seq: number
}

const spoken = new Set(['text', 'image', 'file', 'speech'])

/** Which conversation is before the visitor, and what follows from what is said there. */
export class Talks {
  current: Conversation | undefined
  reference: Reference | undefined
  readonly #chat: Chat
  readonly #people: People
  readonly #queue: QueueWatch
  #unsubscribe: () => void = () => undefined
  /** There is no more to be found of theirs than what they have before them, or have chosen. */
  #looked = false
  /** The server hears of it a little later, which may be after the end of the page. */
  #read: Read | undefined
  /** Up to here everything was told to the page; undefined: what is there is from before. */
  #toldTo: number | undefined
  #unread = 0
  #owner = ''

  constructor(chat: Chat) {
    this.#chat = chat
    this.#people = new People(chat)
    this.#queue = new QueueWatch(chat)
    document.addEventListener('visibilitychange', this.look)
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.look)
  }

  async restore(): Promise<void> {
    const { kept } = this.#chat
    const reference = await kept.get<Reference>(talkKey)
    this.#read ??= await kept.get('read')
    if (!reference || this.current) return
    // What has ended is no answer to a new greeting.
    if (kept.goesOn || !this.#chat.store.state.greeting) this.#take(reference)
  }

  /** Another tab, or the list of past conversations, goes on with this one; null: with a new one. */
  follow(reference: Reference | null): void {
    if (reference && JSON.stringify(reference) === JSON.stringify(this.reference)) return
    this.leave()
    this.#looked = true
    if (reference) this.#take(reference)
    else this.#chat.kept.goesOn = false
  }

  /** Begun with the first thing that is said, so that who says nothing leaves nothing; after what it answers. */
  start(): Conversation {
    if (this.current) return this.current
    const { greeting } = this.#chat.store.state
    const { spoken } = this.#chat.boot.config
    const clientId = newName()
    const talk = this.#take({ clientId }, greeting && { greeting: greeting.rule, language: spoken.language })
    void this.#chat.kept.set(talkKey, { clientId })
    this.#chat.tabs.tell({ talk: { clientId } })
    return talk
  }

  /** What waits in the former one goes out there; what never will, because that is gone, stands in the composer. */
  begin(): void {
    if (this.current?.getSnapshot().refusal) this.#chat.composer.takeBack(this.#discardUnsent())
    this.choose(null)
    this.#chat.toComposer()
  }

  choose(reference: Reference | null): void {
    const before = this.reference
    this.follow(reference)
    void (reference ? this.#chat.kept.set(talkKey, reference) : this.#chat.kept.delete(talkKey))
    this.#chat.tabs.tell({ talk: reference })
    if (this.reference !== before) this.#chat.composer.followTalk()
  }

  say(parts: CommandInput<'message.send'>['parts']): void {
    this.start().send({ parts })
  }

  /** On a device that is new to them, somebody the site knows finds the conversation that is going on. */
  async findOwn(): Promise<void> {
    const { kept, client } = this.#chat
    const { subject } = (await kept.get<{ subject?: string }>('visitor')) ?? {}
    if (!subject || this.#looked || this.current) return
    this.#looked = true
    const answer = await client.request('conversation.list', { limit: 1 })
    // The next connection asks again.
    if (!answer.ok) this.#looked = false
    const [latest] = answer.ok ? answer.value.conversations : []
    if (latest && latest.status !== 'resolved' && !this.current) this.choose({ id: latest.id })
  }

  /** Whoever comes next may have something to be found, too. */
  forget(): void {
    this.#looked = false
    this.#read = undefined
  }

  leave(): void {
    this.#unsubscribe()
    this.#unsubscribe = () => undefined
    this.#queue.stop()
    this.current?.leave()
    this.current = undefined
    this.reference = undefined
    this.#toldTo = undefined
    this.#owner = ''
    this.#chat.store.set({ talk: undefined, queue: undefined, greeting: undefined })
    this.#tellUnread([])
  }

  /** What is on the screen of somebody who looks is read. */
  readonly look = (): void => {
    const { current } = this
    if (!current || !this.#chat.store.state.open || document.visibilityState !== 'visible') return
    current.markRead()
    const { id, applied: seq } = current.getSnapshot()
    if (!id || seq <= this.#readIn(id)) return
    this.#read = { id, seq }
    void this.#chat.kept.set('read', this.#read)
  }

  #readIn(id: string | null): number {
    return this.#read && this.#read.id === id ? this.#read.seq : 0
  }

  #take(reference: Reference, beginning?: Beginning): Conversation {
    const { client } = this.#chat
    this.reference = reference
    this.current =
      'id' in reference
        ? client.conversation(reference.id)
        : client.startConversation(reference.clientId, beginning)
    this.#unsubscribe = this.current.subscribe(snapshot => this.#changed(snapshot))
    this.#changed(this.current.getSnapshot())
    return this.current
  }

  #changed(talk: ConversationSnapshot): void {
    const { store } = this.#chat
    if (talk.refusal?.code === 'not_found' && talk.messages.length === 0) {
      this.choose(null)
      this.#looked = false
      return
    }
    store.set({ talk })
    this.#people.know(talk)
    this.look()
    this.#tell(talk)
    const owner = talk.conversation?.owner ?? ''
    if (owner === 'queue' && this.#owner === 'ai' && talk.live) this.#chat.boot.tell({ type: 'escalated' })
    if (talk.live) this.#owner = owner
    this.#queue.watch(owner === 'queue' && talk.live)
  }

  /** What the visitor said here and the server does not have. */
  #discardUnsent(): string[] {
    const unsent = unsentIn(this.current?.getSnapshot().messages ?? [])
    for (const { clientId } of unsent) this.current?.discard(clientId)
    return unsent.map(({ text }) => text)
  }

  #tell({ id, live, messages, marks, conversation }: ConversationSnapshot): void {
    const read = Math.max(
      this.#readIn(id),
      ...marks.map(({ reader, read }) => (reader.kind === 'contact' ? read : 0)),
    )
    const isOpen = this.#chat.store.state.open && document.visibilityState === 'visible'
    const unread = isOpen ? [] : newest(messages, read).filter(isOfOthers)
    this.#tellUnread(unread)
    if (live)
      this.#chat.kept.goesOn =
        conversation?.status !== 'resolved' || unread.length > 0 || unsentIn(messages).length > 0
    const last = newest(messages, 0, 1)[0]?.seq ?? 0
    if (live && this.#toldTo === undefined) this.#toldTo = last
    if (this.#toldTo === undefined || last <= this.#toldTo) return
    const news = newest(messages, this.#toldTo).filter(({ type }) => spoken.has(type))
    this.#toldTo = last
    for (const { id, text, delivery } of news) {
      if (delivery === null) this.#chat.boot.tell({ type: 'message', direction: 'received', id: id ?? '' })
      else this.#chat.boot.tell({ type: 'message', direction: 'sent', id: id ?? '', text })
    }
    if (!isOpen && news.some(isOfOthers)) this.#ring()
  }

  #tellUnread(unread: readonly Message[]): void {
    if (unread.length === this.#unread) return
    this.#unread = unread.length
    const latest = unread.at(-1)
    const teaser = latest && { latest: this.#teaser(latest) }
    this.#chat.boot.tell({ type: 'unread', count: unread.length, ...teaser })
  }

  #teaser(message: Message): Teaser {
    const { state } = this.#chat.store
    return { author: whoIs(this.#chat, state, message.sender).name, text: saidIn(message, state.words) }
  }

  #ring(): void {
    if (this.#chat.store.state.muted) return
    // Silence is no fault: browsers let a page sound only after something was clicked there.
    void import('../lazy/ring.ts').then(({ ring }) => ring()).catch(() => undefined)
  }
}

const unsentIn = (messages: readonly Message[]): Message[] =>
  messages.filter(({ delivery }) => delivery === 'queued' || delivery === 'sent' || delivery === 'failed')

const isOfOthers = ({ delivery, type, deleted }: Message): boolean =>
  delivery === null && spoken.has(type) && !deleted

/** Those of the log after that position, which stand at the end of what may be thousands. */
function newest(messages: readonly Message[], after: number, most = 1_000): Message[] {
  const found: Message[] = []
  for (let at = messages.length - 1; at >= 0 && found.length < most; at--) {
    const message = messages[at]
    if (!message || message.seq === null) continue
    if (message.seq <= after) break
    found.unshift(message)
  }
  return found
}

const newName = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
