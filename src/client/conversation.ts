import type {
  Ack,
  CommandInput,
  CommandOutput,
  ConversationState,
  Entry,
  Events,
  Mark,
} from '../protocol/index.ts'
import { LogSync, type Reference, type Requests } from './logSync.ts'
import { Marks, OwnMark } from './marks.ts'
import { type Draft, Outbox, type QueuedRecord } from './outbox.ts'
import { Listeners, type Runtime } from './runtime.ts'
import { OthersTyping, OwnTyping } from './typing.ts'
import { type ConversationSnapshot, foldView, type Message, type Sender, sameSender } from './view.ts'

/** What a conversation uses of the client it belongs to. */
export interface Link extends Requests {
  readonly runtime: Runtime
  readonly self: Sender | undefined
  newRecord(draft: Draft): QueuedRecord
  save(reference: Reference, record: QueuedRecord): void
  forget(record: QueuedRecord): void
  opened(conversation: FollowedConversation): void
  /** Left, and nothing of it waits any more. */
  left(conversation: FollowedConversation): void
}

export type ConversationEvent = 'entries' | 'head' | 'mark' | 'online' | 'typing' | 'conversation'

/** One conversation as a person has it before them: what was said, what they say, and how far both have come. */
export class FollowedConversation {
  readonly #link: Link
  readonly #sync: LogSync
  readonly #outbox: Outbox
  readonly #mark: OwnMark
  readonly #ownTyping: OwnTyping
  readonly #othersTyping: OthersTyping
  #state: ConversationState | null = null
  readonly #marks = new Marks()
  #othersOnline = false
  #leaving = false
  /** The newest own entry that is acknowledged, and whether its arrival is being watched. */
  #acknowledged = 0
  #watching = false
  readonly #listeners = new Listeners<ConversationSnapshot>()
  #snapshot: ConversationSnapshot | undefined
  #messages: readonly Message[] = []
  #telling = false

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
      changed,
    })
    this.#outbox = new Outbox({
      runtime,
      ready,
      send: record => this.#deliver(record),
      save: record => link.save(this.reference, record),
      forget: record => link.forget(record),
      changed,
      acknowledged: ({ seq }) => this.#watchFor(seq),
    })
    this.#mark = new OwnMark({
      runtime,
      ready,
      send: reach =>
        this.#sync.withId(conversationId => link.request('mark.set', { conversationId, ...reach })),
    })
    this.#ownTyping = new OwnTyping(runtime, (typing, note) => {
      const about = note ? { typing, note } : { typing }
      // Lost is lost: the other side forgets it by itself (L6).
      void this.#sync.withId(conversationId => link.request('typing.set', { conversationId, ...about }))
    })
    this.#othersTyping = new OthersTyping(runtime, changed)
  }

  get reference(): Reference {
    return this.#sync.reference
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

  edit(messageId: string, parts: CommandInput<'message.edit'>['parts']): string {
    return this.#write({ command: 'message.edit', input: { messageId, parts } })
  }

  remove(messageId: string): string {
    return this.#write({ command: 'message.delete', input: { messageId } })
  }

  /** Tries again what has failed. */
  retry(clientId: string): void {
    this.#outbox.retry(clientId)
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

  loadOlder(limit?: number): Promise<Ack<{ more: boolean }>> {
    return this.#sync.readOlder(limit)
  }

  /** Asks again for what was refused. */
  reopen(): void {
    this.#sync.reopen()
    this.#changed()
  }

  /** Stops following; this object is of no more use then. What was written still goes out before. */
  leave(): void {
    this.#leaving = true
    this.#leaveWhenIdle()
  }

  readonly subscribe = (listener: (snapshot: ConversationSnapshot) => void): (() => void) =>
    this.#listeners.add(listener)

  /** The same object as long as nothing has changed. */
  readonly getSnapshot = (): ConversationSnapshot => {
    this.#snapshot ??= this.#look()
    return this.#snapshot
  }

  connected(): void {
    this.#sync.connected()
  }

  disconnected(): void {
    this.#sync.disconnected()
    this.#othersTyping.clear()
    this.#changed()
  }

  restore(record: QueuedRecord): void {
    this.#outbox.restore(record)
  }

  /** What the server says about this conversation. */
  readonly receive: { readonly [Name in ConversationEvent]: (payload: Events[Name]) => void } = {
    entries: ({ entries, head }) => this.#sync.receive(entries, head),
    head: ({ head }) => this.#sync.receive([], head),
    mark: mark => this.#marked(mark),
    online: ({ online }) => {
      this.#othersOnline = online
      this.#changed()
    },
    typing: typing => {
      if (!sameSender(typing.sender, this.#link.self)) this.#othersTyping.heard(typing)
    },
    conversation: state => {
      this.#state = state
      this.#changed()
    },
  }

  #write(draft: Draft): string {
    const record = this.#link.newRecord(draft)
    this.#outbox.add(record)
    if (this.#sync.refusal) this.#outbox.failAll(this.#sync.refusal)
    return record.clientId
  }

  #deliver({ command, clientId, input }: QueuedRecord): Promise<Ack<CommandOutput<'message.send'>>> {
    return this.#sync.withId(conversationId =>
      // The input belongs to the command: a draft holds both.
      this.#link.request(command, { ...input, conversationId, clientId } as CommandInput<typeof command>),
    )
  }

  #opened({ conversation, marks, online }: CommandOutput<'conversation.open'>): void {
    this.#state = conversation
    this.#othersOnline = online
    this.#link.opened(this)
    for (const mark of marks) this.#marked(mark)
    this.#mark.pump()
    this.#outbox.resume()
  }

  /** New entries also tell what is no longer pending, who ceased to type, and what was received. */
  #applied(entries: readonly Entry[]): void {
    const { self } = this.#link
    let ofOthers = 0
    for (const { seq, sender, clientId } of entries) {
      this.#othersTyping.ended(sender)
      if (sameSender(sender, self)) this.#outbox.confirm(clientId)
      else ofOthers = seq
    }
    this.#outbox.pump()
    this.#mark.raise({ delivered: ofOthers })
  }

  #marked(mark: Mark): void {
    this.#marks.raise(mark)
    if (sameSender(mark.reader, this.#link.self)) this.#mark.told(mark)
    this.#changed()
  }

  /**
   * The entry of what was acknowledged usually follows at once, so it is asked for only after a while. What has its place in
   * history that is not loaded was a repeat of something stored long ago: its entry will not come.
   */
  #watchFor(seq: number): void {
    const { replica } = this.#sync
    for (const { clientId, stored } of this.#outbox.items) {
      if (stored && stored.seq <= replica.applied) this.#outbox.confirm(clientId)
    }
    this.#acknowledged = Math.max(this.#acknowledged, seq)
    if (this.#watching || this.#acknowledged <= replica.applied) return
    this.#watching = true
    const expected = this.#acknowledged
    this.#link.runtime.after(this.#link.runtime.settings.echoGraceMs, () => {
      this.#watching = false
      this.#sync.receive([], expected)
      this.#watchFor(expected)
    })
  }

  #leaveWhenIdle(): void {
    if (!this.#leaving || !this.#outbox.idle) return
    this.#leaving = false
    void this.#sync.withId(conversationId => this.#link.request('conversation.leave', { conversationId }))
    this.#link.left(this)
    this.#sync.disconnected()
  }

  #changed(): void {
    this.#snapshot = undefined
    if (this.#telling) return
    this.#telling = true
    // In a microtask: a page of entries is one change to whoever listens.
    queueMicrotask(() => {
      this.#telling = false
      this.#leaveWhenIdle()
      if (this.#listeners.any) this.#listeners.tell(this.getSnapshot())
    })
  }

  #look(): ConversationSnapshot {
    const { entries, applied, head, first, started, behind } = this.#sync.replica
    const { all: marks } = this.#marks
    const { items: pending } = this.#outbox
    this.#messages = foldView({ entries, pending, marks, self: this.#link.self }, this.#messages)
    return {
      id: this.reference.id ?? null,
      refusal: this.#sync.refusal,
      live: this.#sync.live && !behind,
      conversation: this.#state,
      messages: this.#messages,
      entries,
      applied,
      head,
      hasOlder: started && first > 1,
      marks,
      typing: this.#othersTyping.senders,
      online: this.#othersOnline,
    }
  }
}

/** What the holder of a conversation may do with it; the rest is between it and its client. */
export type Conversation = Omit<
  FollowedConversation,
  'connected' | 'disconnected' | 'receive' | 'reference' | 'restore' | 'counts'
>
