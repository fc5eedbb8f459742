import type { Ack, CommandInput, CommandName, CommandOutput, Entry, Failure } from '../protocol/index.ts'
import { unavailable } from './failures.ts'
import { LogReplica } from './replica.ts'
import type { Runtime } from './runtime.ts'

/** Names a conversation before it has an id, and finds it again after. */
export interface Reference {
  readonly id?: string | undefined
  readonly clientId?: string | undefined
  /** Of one that begins here: the rule of the widget whose message brought it about, and the language in which that was shown. */
  readonly greeting?: string | undefined
  readonly language?: string | undefined
}

export interface Requests {
  readonly online: boolean
  request<Name extends CommandName>(
    command: Name,
    input: CommandInput<Name>,
  ): Promise<Ack<CommandOutput<Name>>>
}

interface SyncPorts {
  readonly runtime: Runtime
  readonly requests: Requests
  /** The log is open on this connection, and the entries that came with it are applied. */
  opened(answer: CommandOutput<'conversation.open'>): void
  applied(entries: readonly Entry[]): void
  refused(failure: Failure): void
  /** What was held is another log's; what else is known of the conversation may be as well. */
  beganAnew(): void
  changed(): void
}

/** Keeps the replica of one conversation level with the server's log, over every connection there will be (L5). */
export class LogSync {
  readonly replica = new LogReplica()
  gapsHealed = 0
  refusal: Failure | null = null
  /** As whom this client speaks here, where that is not as whom it was welcomed. */
  self: Entry['sender'] | undefined
  readonly #ports: SyncPorts
  #reference: Reference
  /** Raised with every connection and disconnection; `#openedIn` says whether the log is open on the present one. */
  #connection = 0
  #openedIn = -1
  #catchingUp = false
  #older: Promise<Ack<{ more: boolean }>> | undefined

  constructor(reference: Reference, ports: SyncPorts) {
    this.#reference = reference
    this.#ports = ports
  }

  get reference(): Reference {
    return this.#reference
  }

  /** What brought it about, if that is found later than the conversation itself. */
  beginsWith({ greeting, language }: Reference): void {
    if (this.#reference.greeting !== undefined || greeting === undefined) return
    this.#reference = { ...this.#reference, greeting, language }
  }

  /** Whether the conversation is open on the present connection. */
  get live(): boolean {
    return this.#ports.requests.online && this.#openedIn === this.#connection
  }

  /** It is asked for on the present connection, and not answered for good. */
  get opening(): boolean {
    return this.#ports.requests.online && !this.live && this.refusal === null
  }

  connected(): void {
    const connection = ++this.#connection
    if (!this.refusal) void this.#open(connection)
  }

  disconnected(): void {
    this.#connection++
  }

  reopen(): void {
    this.refusal = null
    if (this.#ports.requests.online && !this.live) this.connected()
  }

  /** Entries without a place to go, and none at all, still tell that there are more. */
  receive(entries: readonly Entry[], head: number): void {
    if (entries.some(entry => this.replica.contradicts(entry))) {
      this.beginAnew()
      return
    }
    const before = this.replica.head
    this.#take(this.replica.receive(entries, head))
    if (this.replica.head > before) this.#ports.changed()
    void this.#catchUp()
  }

  /** The log has gone back to an earlier state, such as that of a backup: the server's is the only one there is. */
  beginAnew(): void {
    this.#dropWindow()
    if (this.#ports.requests.online) this.connected()
  }

  #dropWindow(): void {
    this.replica.startAnew()
    this.#ports.beganAnew()
    this.#ports.changed()
  }

  async withId<Value>(run: (id: string) => Promise<Ack<Value>>): Promise<Ack<Value>> {
    const { id } = this.#reference
    return id === undefined ? { ok: false, error: unavailable('Not opened yet.') } : run(id)
  }

  /** Reads the page before the window. Asking again while it runs gives the same answer. */
  readOlder(limit?: number): Promise<Ack<{ more: boolean }>> {
    this.#older ??= this.#readOlder(limit).finally(() => {
      this.#older = undefined
    })
    return this.#older
  }

  /** Opens the log on this connection, again and again until it is, or is refused. */
  async #open(connection: number): Promise<void> {
    const { runtime, requests } = this.#ports
    for (let attempt = 0; connection === this.#connection; attempt++) {
      const { id, clientId, greeting, language } = this.#reference
      const begins = { clientId, ...(greeting === undefined ? {} : { greeting, language }) }
      const name = id === undefined ? begins : { conversationId: id }
      const { pageSize, catchUpPageSize } = runtime.settings
      const after = this.replica.started ? this.replica.applied : undefined
      const page = after === undefined ? { limit: pageSize } : { after, limit: catchUpPageSize }
      const answer = await requests.request('conversation.open', { ...name, ...page })
      // The connection that was asked is gone; the next one asks for itself.
      if (connection !== this.#connection) return
      if (answer.ok && after !== undefined && answer.value.head < after) {
        this.#dropWindow()
        continue
      }
      if (answer.ok) return this.#opened(answer.value)
      if (!answer.error.retryable) return this.#refused(answer.error)
      await runtime.sleep(runtime.retryDelay(attempt, answer.error))
    }
  }

  #opened(answer: CommandOutput<'conversation.open'>): void {
    this.#reference = { ...this.#reference, id: answer.conversation.id }
    this.#openedIn = this.#connection
    this.self = answer.self
    // First the entries: what they confirm is not sent again.
    this.#take(this.replica.open(answer.entries, answer.head))
    this.#ports.opened(answer)
    this.#ports.changed()
    void this.#catchUp()
  }

  #refused(failure: Failure): void {
    this.refusal = failure
    this.#openedIn = -1
    this.#ports.refused(failure)
    this.#ports.changed()
  }

  #take(entries: readonly Entry[]): void {
    if (entries.length === 0) return
    this.#ports.applied(entries)
    this.#ports.changed()
  }

  /** One at a time, over as many pages, failures and connections as it takes. */
  async #catchUp(): Promise<void> {
    if (this.#catchingUp || !this.live || !this.replica.behind) return
    this.#catchingUp = true
    const { runtime } = this.#ports
    for (let failures = 0; this.live && this.replica.behind; ) {
      const after = this.replica.applied
      const answer = await this.#readPage({ after, limit: runtime.settings.catchUpPageSize })
      if (answer.ok) this.#take(this.replica.receive(answer.value.entries, answer.value.head))
      else if (!answer.error.retryable) this.#refused(answer.error)
      // A page that brings nothing is as good as none: without a pause this would ask as fast as it is answered.
      if (this.replica.applied > after) failures = 0
      else if (this.live) {
        const failure = answer.ok ? undefined : answer.error
        await runtime.sleep(runtime.retryDelay(failures++, failure))
      }
    }
    this.#catchingUp = false
    if (!this.replica.behind) this.gapsHealed++
    this.#ports.changed()
  }

  async #readOlder(limit = this.#ports.runtime.settings.pageSize): Promise<Ack<{ more: boolean }>> {
    const before = this.replica.first
    if (before <= 1) return { ok: true, value: { more: false } }
    const answer = await this.#readPage({ before, limit })
    if (!answer.ok) return answer
    this.replica.prepend(answer.value.entries)
    this.#ports.changed()
    return { ok: true, value: { more: this.replica.first > 1 } }
  }

  #readPage(range: Omit<CommandInput<'history.read'>, 'conversationId'>) {
    return this.withId(conversationId =>
      this.#ports.requests.request('history.read', { conversationId, ...range }),
    )
  }
}
