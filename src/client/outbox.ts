import type { Ack, CommandInput, CommandOutput, Failure } from '../protocol/index.ts'
import type { Runtime } from './runtime.ts'

type Writing = 'message.send' | 'message.edit' | 'message.delete' | 'conversation.reply'

/** What a person did, before it has a conversation on the server to be sent to. */
export type Draft = {
  [Name in Writing]: {
    readonly command: Name
    readonly input: Omit<CommandInput<Name>, 'conversationId' | 'clientId'>
  }
}[Writing]

/** What the store keeps of it until the server has it. */
export type QueuedRecord = Draft & {
  /** The sender's name for it: every repeat carries the same, so that it is stored once (L2). */
  readonly clientId: string
  /** Sorts as it was queued, also among clients on one store. */
  readonly order: string
  readonly createdAt: string
  readonly failure?: Failure
}

export type Pending = QueuedRecord & {
  readonly state: 'queued' | 'sent' | 'stored' | 'failed'
  readonly stored?: CommandOutput<Writing>
}

export interface OutboxPorts {
  readonly runtime: Runtime
  /** Whether what is sent now can arrive: connected, and the conversation open on this connection. */
  ready(): boolean
  send(record: QueuedRecord): Promise<Ack<CommandOutput<Writing>>>
  /** Ends when it is kept, or is not to be waited for. */
  save(record: QueuedRecord): Promise<void>
  forget(record: QueuedRecord): void
  changed(): void
  acknowledged(stored: CommandOutput<Writing>): void
}

/**
 * What waits to be stored in one conversation, in order. Nothing leaves it but by the server's word or the person's.
 *
 * The order holds because what one connection sends is appended in the order in which it was sent, and because after any failure
 * only one send is under way at a time until everything that was sent before has its answer. What was under way behind one that is
 * refused for a moment may be stored before it (`sendWindow`).
 */
export class Outbox {
  resent = 0
  #items: readonly Pending[] = []
  readonly #ports: OutboxPorts
  /** What was given to the server at least once and has no final answer. */
  readonly #tried = new Set<string>()
  readonly #inFlight = new Set<string>()
  /** What the store does not have yet. */
  readonly #unkept = new Set<string>()
  #careful = false
  #failures = 0
  /** Set while a timer runs that will end it: timers may fire a little early, so it is not compared with the time. */
  #pausedUntil: number | undefined
  #cancelTimer: () => void = () => undefined

  constructor(ports: OutboxPorts) {
    this.#ports = ports
  }

  get items(): readonly Pending[] {
    return this.#items
  }

  /** Whether nothing waits for the server any more. */
  get idle(): boolean {
    return this.#items.every(item => item.state === 'stored' || item.state === 'failed')
  }

  add(record: QueuedRecord): void {
    this.#put({ ...record, state: 'queued' })
    this.#keep(record)
  }

  /** What an earlier client, or another on the same store, left there. */
  restore(record: QueuedRecord): void {
    if (this.#find(record.clientId)) return
    if (record.failure) {
      this.#put({ ...record, state: 'failed' })
      return
    }
    // Whether it was sent before is not known, so it counts as if it had been.
    this.#tried.add(record.clientId)
    this.#careful = true
    this.#put({ ...record, state: 'queued' })
    this.pump()
  }

  /** On a new connection everything without an answer goes again, one after the other. */
  resume(): void {
    this.#failures = 0
    this.pump()
  }

  pump(): void {
    const { runtime, ready } = this.#ports
    if (!ready() || this.#pausedUntil !== undefined) return
    if (this.#tried.size === 0) this.#careful = false
    for (const item of this.#items) {
      const window = this.#careful ? 1 : runtime.settings.sendWindow
      if (this.#inFlight.size >= window) return
      if (item.state !== 'queued') continue
      // What is behind it waits too, so that the order stays.
      if (this.#unkept.has(item.clientId)) return
      void this.#send(item)
    }
  }

  /** The log has lost, or may have, what it had and has not shown. */
  startAnew(): void {
    for (const item of this.#items) {
      if (item.state !== 'stored') continue
      const { state: _, stored: __, ...record } = item
      this.#tried.add(item.clientId)
      this.#careful = true
      this.#put({ ...record, state: 'queued' })
    }
  }

  /** The log holds it, so its own answer is not waited for. Does not pump: what else the log confirms must not be sent again. */
  confirm(clientId: string): void {
    this.#remove(clientId)
  }

  /** A reply goes again as one to the conversation as it is seen now. */
  retry(clientId: string, epoch: number): void {
    const item = this.#find(clientId)
    if (item?.state !== 'failed') return
    const { failure: _, state: __, ...rest } = item
    const record: QueuedRecord =
      rest.command === 'conversation.reply' ? { ...rest, input: { ...rest.input, epoch } } : rest
    this.#put({ ...record, state: 'queued' })
    this.#keep(record)
  }

  /** Only what has failed, or was never given to the server, can be withdrawn. */
  discard(clientId: string): boolean {
    const item = this.#find(clientId)
    if (!item || (item.state !== 'failed' && this.#tried.has(clientId))) return false
    this.#remove(clientId)
    return true
  }

  /** The conversation itself was refused. */
  failAll(failure: Failure): void {
    for (const item of this.#items) if (item.state === 'queued') this.#fail(item, failure)
  }

  /** What the server may have, the store has: a page that ends in between repeats it, and does not write it anew (L2). */
  #keep(record: QueuedRecord): void {
    this.#unkept.add(record.clientId)
    void this.#ports.save(record).then(() => {
      this.#unkept.delete(record.clientId)
      this.pump()
    })
  }

  async #send(item: Pending): Promise<void> {
    const { clientId } = item
    if (this.#tried.has(clientId)) this.resent++
    this.#tried.add(clientId)
    this.#inFlight.add(clientId)
    this.#put({ ...item, state: 'sent' })
    const answer = await this.#ports.send(item)
    this.#inFlight.delete(clientId)
    const current = this.#find(clientId)
    // Gone: the log was faster than the answer, and is the better one.
    if (current) this.#answered(current, answer)
    this.pump()
  }

  #answered(item: Pending, answer: Ack<CommandOutput<Writing>>): void {
    if (answer.ok) {
      this.#failures = 0
      this.#tried.delete(item.clientId)
      this.#put({ ...item, state: 'stored', stored: answer.value })
      this.#ports.forget(item)
      this.#ports.acknowledged(answer.value)
    } else if (answer.error.retryable) {
      this.#put({ ...item, state: 'queued' })
      this.#careful = true
      this.#pause(answer.error)
    } else this.#fail(item, answer.error)
  }

  #pause(failure: Failure): void {
    const { runtime } = this.#ports
    const until = runtime.now() + runtime.retryDelay(this.#failures++, failure)
    this.#pausedUntil = Math.max(this.#pausedUntil ?? 0, until)
    this.#cancelTimer()
    this.#cancelTimer = runtime.after(this.#pausedUntil - runtime.now(), () => {
      this.#pausedUntil = undefined
      this.pump()
    })
  }

  #fail(item: Pending, failure: Failure): void {
    this.#tried.delete(item.clientId)
    const { state: _, ...record } = item
    this.#put({ ...record, state: 'failed', failure })
    void this.#ports.save({ ...record, failure })
  }

  #find(clientId: string): Pending | undefined {
    return this.#items.find(item => item.clientId === clientId)
  }

  #put(item: Pending): void {
    const known = this.#find(item.clientId)
    this.#items = known
      ? this.#items.map(other => (other === known ? item : other))
      : [...this.#items, item].sort(byOrder)
    this.#ports.changed()
  }

  #remove(clientId: string): void {
    const item = this.#find(clientId)
    if (!item) return
    this.#items = this.#items.filter(other => other !== item)
    this.#tried.delete(clientId)
    this.#inFlight.delete(clientId)
    if (item.state !== 'stored') this.#ports.forget(item)
    this.#ports.changed()
  }
}

/** Clients on one store may have given the same place twice. */
const byOrder = (a: QueuedRecord, b: QueuedRecord): number =>
  a.order < b.order || (a.order === b.order && a.clientId < b.clientId) ? -1 : 1
