import type { Ack, Audience, CommandInput, CommandOutput, CommandsOf, Events } from '../protocol/index.ts'
import { Connection, type ConnectionState } from './connection.ts'
import {
  type Conversation,
  type ConversationEvent,
  conversationEvents,
  FollowedConversation,
  type Link,
} from './conversation.ts'
import { Keeper } from './keeper.ts'
import type { Reference } from './logSync.ts'
import type { Draft, QueuedRecord } from './outbox.ts'
import { plainDraft } from './plainParts.ts'
import {
  type ClientStore,
  type Clock,
  type Credential,
  defaultSettings,
  memoryStore,
  type Settings,
  type SocketPort,
  systemClock,
} from './ports.ts'
import { Listeners, Runtime } from './runtime.ts'

export interface ClientParts<Who extends Audience> {
  readonly socket: SocketPort
  /** The credential to begin with. */
  readonly auth: () => Promise<Credential<Who>>
  /** A new one, when that has expired or is not known. It may throw a failure, which counts like the server's. */
  readonly renew: () => Promise<Credential<Who>>
  readonly store?: ClientStore
  readonly clock?: Clock
  readonly random?: () => number
  readonly options?: Partial<Settings>
}

export interface Counters {
  readonly gapsHealed: number
  readonly resent: number
  readonly reconnects: number
}

/** Beside the server's events: the connection's own, and faults of the store, which endanger only what is queued. */
export interface ClientEvents extends Events {
  state: ConnectionState
  fault: unknown
}

/** What brought a conversation about. It is kept with what is written, so that a reload loses neither. */
export type Beginning = Pick<Reference, 'greeting' | 'language'>

export interface Client<Who extends Audience> {
  readonly state: ConnectionState
  readonly counters: Counters
  /** Whom the server knows this client as; undefined before the first welcome. */
  readonly self: Events['welcome']['self'] | undefined
  /** Brings back what the store holds, unless that takes long, then connects; again after a refusal. */
  connect(): Promise<void>
  close(): void
  /** The conversation of that id, followed from now on. */
  conversation(id: string): Conversation
  /** One that begins here: it can be written to at once, and gets its id when the server is reached. */
  startConversation(clientId?: string, beginning?: Beginning): Conversation
  request<Name extends CommandsOf<Who>>(
    command: Name,
    input: CommandInput<Name>,
    timeoutMs?: number,
  ): Promise<Ack<CommandOutput<Name>>>
  on<Name extends keyof ClientEvents>(name: Name, listener: (payload: ClientEvents[Name]) => void): () => void
}

export function createClient<Who extends Audience>(parts: ClientParts<Who>): Client<Who> {
  return new LogClient(parts)
}

class LogClient<Who extends Audience> implements Client<Who> {
  readonly #connection: Connection
  readonly #runtime: Runtime
  readonly #keeper: Keeper
  readonly #faults = new Listeners<unknown>()
  readonly #conversations = new Set<FollowedConversation>()
  readonly #link: Link
  #ended = { gapsHealed: 0, resent: 0 }
  #lastOrder = 0

  constructor(parts: ClientParts<Who>) {
    const { socket, auth, renew, store = memoryStore(), clock = systemClock, random = Math.random } = parts
    this.#runtime = new Runtime(clock, random, { ...defaultSettings, ...parts.options })
    this.#keeper = new Keeper({
      ...{ runtime: this.#runtime, store },
      fault: error => this.#faults.tell(error),
      found: (reference, record) => this.#found(reference, record),
    })
    this.#connection = new Connection({ socket, auth, renew, runtime: this.#runtime })
    this.#link = this.#makeLink()
    this.#routeEvents()
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  get self(): Events['welcome']['self'] | undefined {
    return this.#connection.self
  }

  get counters(): Counters {
    let { gapsHealed, resent } = this.#ended
    for (const conversation of this.#conversations) {
      gapsHealed += conversation.counts.gapsHealed
      resent += conversation.counts.resent
    }
    return { gapsHealed, resent, reconnects: this.#connection.reconnects }
  }

  async connect(): Promise<void> {
    // First what was queued before: it is older than anything that is written now.
    await this.#keeper.restore()
    this.#connection.connect()
  }

  close(): void {
    this.#connection.close()
    this.#runtime.stop()
  }

  conversation(id: string): Conversation {
    return this.#follow({ id })
  }

  startConversation(clientId = newId(), beginning: Beginning = {}): Conversation {
    return this.#follow({ clientId, ...beginning })
  }

  request<Name extends CommandsOf<Who>>(
    command: Name,
    input: CommandInput<Name>,
    timeoutMs?: number,
  ): Promise<Ack<CommandOutput<Name>>> {
    return this.#connection.request(command, input, timeoutMs)
  }

  on<Name extends keyof ClientEvents>(
    name: Name,
    listener: (payload: ClientEvents[Name]) => void,
  ): () => void {
    if (name === 'state')
      return this.#connection.changes.add(listener as (payload: ClientEvents['state']) => void)
    if (name === 'fault') return this.#faults.add(listener as (payload: unknown) => void)
    return this.#connection.listen(name, listener)
  }

  /** Whoever asks for it again does not want it left any more, though what is written still waits. */
  #follow(reference: Reference): FollowedConversation {
    const conversation = this.#have(reference)
    conversation.stay()
    return conversation
  }

  #have(reference: Reference): FollowedConversation {
    for (const known of this.#conversations) {
      const { id, clientId } = known.reference
      const isIt =
        (id !== undefined && id === reference.id) ||
        (clientId !== undefined && clientId === reference.clientId)
      if (!isIt) continue
      known.beginsWith(reference)
      return known
    }
    const conversation = new FollowedConversation(this.#link, reference)
    this.#conversations.add(conversation)
    this.#remember(conversation)
    if (this.#connection.online) conversation.connected()
    return conversation
  }

  #makeLink(): Link {
    const connection = this.#connection
    return {
      runtime: this.#runtime,
      get online() {
        return connection.online
      },
      get self() {
        return connection.self
      },
      request: (command, input) => connection.request(command, input),
      newClientId: newId,
      newRecord: draft => this.#newRecord(draft),
      save: (reference, record) => this.#keeper.save(reference, record),
      forget: record => this.#keeper.forget(record),
      opened: conversation => this.#remember(conversation),
      left: conversation => this.#drop(conversation),
    }
  }

  #newRecord(draft: Draft): QueuedRecord {
    const now = this.#runtime.wall()
    // A clock that was put back changes nothing about what was written first.
    this.#lastOrder = Math.max(this.#lastOrder + 1, now)
    const order = this.#lastOrder.toString(36).padStart(orderDigits, '0')
    return { ...plainDraft(draft), clientId: newId(), order, createdAt: new Date(now).toISOString() }
  }

  #routeEvents(): void {
    const connection = this.#connection
    connection.changes.add(({ status }) => {
      if (status === 'online') void this.#keeper.restore()
      // Those in which something waits to be sent have the first turn.
      const first = [...this.#conversations].sort((a, b) => Number(a.idle) - Number(b.idle))
      for (const conversation of first) {
        if (status === 'online') conversation.connected()
        else conversation.disconnected()
      }
    })
    for (const name of conversationEvents) this.#route(name)
  }

  #route<Name extends ConversationEvent>(name: Name): void {
    this.#connection.listen(name, (payload: Events[Name]) => {
      const id = 'conversationId' in payload ? payload.conversationId : payload.id
      for (const conversation of this.#conversations) {
        if (conversation.reference.id !== id) continue
        conversation.receive[name](payload)
      }
    })
  }

  #remember({ reference }: FollowedConversation): void {
    this.#keeper.remember(reference)
  }

  #drop(conversation: FollowedConversation): void {
    const { gapsHealed, resent } = conversation.counts
    this.#conversations.delete(conversation)
    this.#ended = {
      gapsHealed: this.#ended.gapsHealed + gapsHealed,
      resent: this.#ended.resent + resent,
    }
    this.#keeper.drop(conversation.reference)
  }

  #found(reference: Reference, record?: QueuedRecord): void {
    const conversation = this.#have(reference)
    if (!record) return
    const order = parseInt(record.order.slice(0, orderDigits), 36)
    if (order > this.#lastOrder) this.#lastOrder = order
    conversation.restore(record)
  }
}

const orderDigits = 9

/** 128 random bits. `randomUUID` is missing on pages without TLS. */
const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
