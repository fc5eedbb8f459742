import type { Ack, CommandInput, CommandOutput, Entry, Events } from '../protocol/index.ts'
import { EchoWatch } from './echoWatch.ts'
import { foldView } from './fold.ts'
import { LogSync, type Reference, type Requests } from './logSync.ts'
import { OwnMark } from './marks.ts'
import { type Draft, Outbox, type QueuedRecord } from './outbox.ts'
import { PersonsRequests } from './requests.ts'
import { Listeners, type Runtime } from './runtime.ts'
import { Told, toldEvents } from './told.ts'
import { OwnTyping } from './typing.ts'
import { type ConversationSnapshot, type Message, type Sender, sameSender } from './view.ts'

/** What a conversation uses of the client it belongs to. */
export interface Link extends Requests {
  readonly runtime: Runtime
  readonly self: Sender | undefined
  newClientId(): string
  newRecord(draft: Draft): QueuedRecord
  /** Ends when it is kept, or is not to be waited for. */
  save(reference: Reference, record: QueuedRecord): Promise<void>
  forget(record: QueuedRecord): void
  opened(conversation: FollowedConversation): void
  /** Left, and nothing of it waits any more. */
  left(conversation: FollowedConversation): void
}

export const conversationEvents = ['entries', 'head', ...toldEvents] as const
export type ConversationEvent = (typeof conversationEvents)[number]

/** One conversation as a person has it before them: what was said, what they say, and how far both have come. */
export class FollowedConversation {
  readonly #link: Link
  readonly #sync: LogSync
  readonly #outbox: Outbox
  readonly #mark: OwnMark
  readonly #ownTyping: OwnTyping
  readonly #told: Told
  readonly #echoes: EchoWatch
  readonly #requests: PersonsRequests
  #leaving = false
  readonly #listeners = new Listeners<ConversationSnapshot>()
  #snapshot: ConversationSnapshot | undefined
  #messages: readonly Message[] = []
  /** A change is not told yet: at once, or together with others that are about to come. */
  #telling: 'soon' | (() => void) | undefined
  /** What the server says about this conversation. */
  readonly receive: { readonly [Name in ConversationEvent]: (payload: Events[Name]) => void }

  constructor(link: Link, reference: Reference) {
    this.#link = link
    const { runtime } = link
    const changed = () => this.#changed()
    const ready = () => this.#sync.live
    this.#sync = new LogSync(reference, {
      runtime,
      requests: link,
      opened: answer => this.#opened(answer),
      applied: entries => this.#applied(entries),
      refused: failure => this.#outbox.failAll(failure),
      beganAnew: () => {
        for (const part of [this.#told, this.#mark, this.#echoes, this.#outbox]) part.startAnew()
      },
      changed,
    })
    this.#outbox = new Outbox({
      runtime,
      ready,
      send: record => this.#deliver(record),
      save: record => link.save(this.reference, record),
      forget: record => link.forget(record),
      changed,
      acknowledged: ({ seq }) => this.#echoes.expect(seq),
    })
    this.#echoes = new EchoWatch({
      runtime,
      replica: this.#sync.replica,
      outbox: this.#outbox,
      head: seq => this.#sync.receive([], seq),
      contradicted: () => this.#sync.beginAnew(),
    })
    const withId: LogSync['withId'] = run => this.#sync.withId(run)
    this.#told = new Told({
      ...{ runtime, ready, changed },
      self: () => this.#self,
      readRun: () => withId(conversationId => link.request('run.read', { conversationId })),
      ownMark: mark => this.#mark.told(mark),
    })
    this.receive = {
      entries: ({ entries, head }) => this.#sync.receive(entries, head),
      head: ({ head }) => this.#sync.receive([], head),
      ...this.#told.receive,
    }
    this.#requests = new PersonsRequests({
      ...{ runtime, requests: link, withId },
      newClientId: () => link.newClientId(),
      epoch: () => this.#told.epoch,
      moved: ownership => this.#told.moved(ownership),
      selfId: () => this.#self?.id ?? null,
    })
    this.#mark = new OwnMark({
      runtime,
      ready,
      send: reach => withId(conversationId => link.request('mark.set', { conversationId, ...reach })),
    })
    this.#ownTyping = new OwnTyping(runtime, (typing, note) => {
      const about = note ? { typing, note } : { typing }
      // Lost is lost: the other side forgets it by itself (L6).
      void withId(conversationId => link.request('typing.set', { conversationId, ...about }))
    })
  }

  get reference(): Reference {
    return this.#sync.reference
  }

  beginsWith(reference: Reference): void {
    this.#sync.beginsWith(reference)
  }

  get #self(): Sender | undefined {
    return this.#sync.self ?? this.#link.self
  }

  get counts(): { readonly gapsHealed: number; readonly resent: number } {
    return { gapsHealed: this.#sync.gapsHealed, resent: this.#outbox.resent }
  }

  /** Shown at once, sent as soon as it can be; returns the client id by which to retry or discard it. */
  send(message: Extract<Draft, { command: 'message.send' }>['input'] | string): string {
    this.#ownTyping.sent()
    const input =
      typeof message === 'string' ? { parts: [{ type: 'text' as const, text: message }] } : message
    return this.#write({ command: 'message.send', input })
  }

  /** Says something as the member who has the conversation, shown and sent like any message; it fails where that is somebody else by then. */
  reply(parts: CommandInput<'conversation.reply'>['parts']): string {
    this.#ownTyping.sent()
    return this.#write({ command: 'conversation.reply', input: { parts, epoch: this.#told.epoch } })
  }

  edit(messageId: string, parts: CommandInput<'message.edit'>['parts']): string {
    return this.#write({ command: 'message.edit', input: { messageId, parts } })
  }

  remove(messageId: string): string {
    return this.#write({ command: 'message.delete', input: { messageId } })
  }

  /** Tries again what has failed. */
  retry(clientId: string): void {
    this.#outbox.retry(clientId, this.#told.epoch)
  }

  /** Drops what has failed or was never sent; false: it is too late for that. */
  discard(clientId: string): boolean {
    return this.#outbox.discard(clientId)
  }

  markRead(seq: number = this.#sync.replica.applied): void {
    this.#mark.raise({ read: Math.min(seq, this.#sync.replica.applied) })
  }

  /** To be called with every key. Of a note that is being written only members hear. */
  setTyping(typing: boolean, { note = false } = {}): void {
    this.#ownTyping.set(typing, note)
  }

  /** Ends the answer on its way; and asks for another one in the place of the last. */
  readonly stop = () => this.#requests.stop()
  readonly regenerate = () => this.#requests.regenerate()

  /** Of who answers: a visitor or member calls people; members take it, give it back, or end it. */
  readonly callPerson = (reason?: string) => this.#requests.callPerson(reason)
  readonly claim = () => this.#requests.claim()
  readonly handBack = (to: 'ai' | 'queue') => this.#requests.handBack(to)
  readonly resolve = () => this.#requests.resolve()

  loadOlder(limit?: number): Promise<Ack<{ more: boolean }>> {
    return this.#sync.readOlder(limit)
  }

  /** Asks again for what was refused. */
  reopen(): void {
    this.#sync.reopen()
    this.#changed()
  }

  /**
   * Stops following, but what was written still goes out before. Until then it can be asked for again, and is not left; after that this
   * object is of no more use.
   */
  leave(): void {
    this.#leaving = true
    this.#leaveWhenIdle()
  }

  stay(): void {
    this.#leaving = false
  }

  readonly subscribe = (listener: (snapshot: ConversationSnapshot) => void): (() => void) =>
    this.#listeners.add(listener)

  /** The same object as long as nothing has changed. */
  readonly getSnapshot = (): ConversationSnapshot => {
    this.#snapshot ??= this.#look()
    return this.#snapshot
  }

  get idle(): boolean {
    return this.#outbox.idle
  }

  connected(): void {
    this.#sync.connected()
  }

  disconnected(): void {
    this.#sync.disconnected()
    this.#told.disconnected()
    this.#changed()
  }

  /** It may come late, when what it was is in the log already that was opened meanwhile. */
  restore(record: QueuedRecord): void {
    const isOwn = ({ clientId, sender }: Entry) =>
      clientId === record.clientId && sameSender(sender, this.#self)
    if (this.#sync.replica.entries.some(isOwn)) this.#link.forget(record)
    else this.#outbox.restore(record)
    this.#failWhereRefused()
  }

  #write(draft: Draft): string {
    const record = this.#link.newRecord(draft)
    this.#outbox.add(record)
    this.#failWhereRefused()
    return record.clientId
  }

  #failWhereRefused(): void {
    if (this.#sync.refusal) this.#outbox.failAll(this.#sync.refusal)
  }

  #deliver({ command, clientId, input }: QueuedRecord): Promise<Ack<CommandOutput<'message.send'>>> {
    return this.#sync.withId(conversationId =>
      // The input belongs to the command: a draft holds both.
      this.#link.request(command, { ...input, conversationId, clientId } as CommandInput<typeof command>),
    )
  }

  #opened(answer: CommandOutput<'conversation.open'>): void {
    this.#told.opened(answer)
    this.#link.opened(this)
    this.#mark.pump()
    this.#outbox.resume()
  }

  /** New entries also tell what is no longer pending, who ceased to type, and what was received. */
  #applied(entries: readonly Entry[]): void {
    this.#told.applied(entries)
    const self = this.#self
    let ofOthers = 0
    for (const { seq, sender, clientId } of entries) {
      if (sameSender(sender, self)) this.#outbox.confirm(clientId)
      else ofOthers = seq
    }
    this.#outbox.pump()
    this.#mark.raise({ delivered: ofOthers })
  }

  #leaveWhenIdle(): void {
    // What is not open yet would be opened after it was left.
    if (!this.#leaving || !this.#outbox.idle || this.#sync.opening) return
    this.#leaving = false
    void this.#sync.withId(conversationId => this.#link.request('conversation.leave', { conversationId }))
    this.#link.left(this)
    this.#sync.disconnected()
    this.#told.disconnected()
  }

  #changed(): void {
    this.#snapshot = undefined
    if (this.#telling === 'soon') return
    const { runtime } = this.#link
    const { live, replica } = this.#sync
    if (live && replica.behind) {
      // Page after page is on its way: to show more of them than a screen does would only make them later.
      this.#telling ??= runtime.after(runtime.settings.frameMs, () => this.#tell())
      return
    }
    this.#telling?.()
    this.#telling = 'soon'
    // In a microtask: a page of entries is one change to whoever listens.
    queueMicrotask(() => this.#tell())
  }

  #tell(): void {
    this.#telling = undefined
    this.#leaveWhenIdle()
    if (this.#listeners.any) this.#listeners.tell(this.getSnapshot())
  }

  #look(): ConversationSnapshot {
    const { entries, applied, head, first, started, behind } = this.#sync.replica
    const { view } = this.#told
    const { items: pending } = this.#outbox
    this.#messages = foldView({ entries, pending, marks: view.marks, self: this.#self }, this.#messages)
    return {
      id: this.reference.id ?? null,
      refusal: this.#sync.refusal,
      live: this.#sync.live && !behind,
      ...view,
      messages: this.#messages,
      entries,
      applied,
      head,
      hasOlder: started && first > 1,
    }
  }
}

/** What the holder of a conversation may do with it; the rest is between it and its client. */
export type Conversation = Omit<
  FollowedConversation,
  | 'connected'
  | 'disconnected'
  | 'beginsWith'
  | 'receive'
  | 'reference'
  | 'restore'
  | 'stay'
  | 'idle'
  | 'counts'
>
