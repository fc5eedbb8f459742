import type { Ack, Audience, CommandInput, CommandOutput, CommandsOf, Events } from '../protocol/index.ts'
import { Connection, type ConnectionState } from './connection.ts'
import { type Conversation, type ConversationEvent, FollowedConversation, type Link } from './conversation.ts'
import type { Reference } from './logSync.ts'
import type { Draft, QueuedRecord } from './outbox.ts'
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

export interface Client<Who extends Audience> {
  readonly state: ConnectionState
  readonly counters: Counters
  /** Whom the server knows this client as; undefined before the first welcome. */
  readonly self: Events['welcome']['self'] | undefined
  /** Brings back what the store holds, then connects; again after a refusal. */
  connect(): Promise<void>
  close(): void
  /** The conversation of that id, followed from now on. */
  conversation(id: string): Conversation
  /** One that begins here: it can be written to at once, and gets its id when the server is reached. */
  startConversation(clientId?: string): Conversation
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
  readonly #store: ClientStore
  readonly #faults = new Listeners<unknown>()
  readonly #conversations = new Set<FollowedConversation>()
  readonly #link: Link
  #ended = { gapsHealed: 0, resent: 0 }
  /** Writes to the store, one after the other: a deletion must not overtake the record it deletes. */
  #writes: Promise<unknown> = Promise.resolve()
  #restored: Promise<void> | undefined
  #queued = 0

  constructor(parts: ClientParts<Who>) {
    const { socket, auth, renew, store = memoryStore(), clock = systemClock, random = Math.random } = parts
    this.#runtime = new Runtime(clock, random, { ...defaultSettings, ...parts.options })
    this.#store = store
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
    this.#restored ??= this.#restore().catch(error => this.#faults.tell(error))
    await this.#restored
    this.#connection.connect()
  }

  close(): void {
    this.#connection.close()
    this.#runtime.stop()
  }

  conversation(id: string): Conversation {
    return this.#follow({ id })
  }

  startConversation(clientId = newId()): Conversation {
    return this.#follow({ clientId })
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

  #follow(reference: Reference): FollowedConversation {
    for (const known of this.#conversations) {
      const { id, clientId } = known.reference
      if (id !== undefined && id === reference.id) return known
      if (clientId !== undefined && clientId === reference.clientId) return known
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
      newRecord: draft => this.#newRecord(draft),
      save: (reference, record) =>
        this.#write(store => store.set(outboxKey(record), { reference, record } satisfies SavedMessage)),
      forget: record => this.#write(store => store.delete(outboxKey(record))),
      opened: conversation => this.#remember(conversation),
      left: conversation => this.#drop(conversation),
    }
  }

  #newRecord(draft: Draft): QueuedRecord {
    const now = this.#runtime.now()
    const order = `${now.toString(36).padStart(9, '0')}-${(this.#queued++).toString(36).padStart(6, '0')}`
    return { ...draft, clientId: newId(), order, createdAt: new Date(now).toISOString() }
  }

  #routeEvents(): void {
    const connection = this.#connection
    connection.changes.add(({ status }) => {
      for (const conversation of [...this.#conversations]) {
        if (status === 'online') conversation.connected()
        else conversation.disconnected()
      }
    })
    const names = ['entries', 'head', 'mark', 'typing', 'online', 'conversation'] as const
    for (const name of names) this.#route(name)
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
    this.#write(store => store.set(openKey(reference), reference))
  }

  #drop(conversation: FollowedConversation): void {
    const { gapsHealed, resent } = conversation.counts
    this.#conversations.delete(conversation)
    this.#ended = {
      gapsHealed: this.#ended.gapsHealed + gapsHealed,
      resent: this.#ended.resent + resent,
    }
    this.#write(store => store.delete(openKey(conversation.reference)))
  }

  #write(change: (store: ClientStore) => Promise<unknown>): void {
    this.#writes = this.#writes.then(() => change(this.#store)).catch(error => this.#faults.tell(error))
  }

  async #restore(): Promise<void> {
    const keys = [...(await this.#store.keys())].sort()
    for (const key of keys.filter(name => name.startsWith(openPrefix))) {
      const reference = await this.#store.get(key)
      if (reference) this.#follow(reference as Reference)
    }
    // Their keys sort as they were queued.
    for (const key of keys.filter(name => name.startsWith(outboxPrefix))) {
      // Another client on this store may have sent it meanwhile.
      const saved = (await this.#store.get(key)) as SavedMessage | undefined
      if (saved) this.#follow(saved.reference).restore(saved.record)
    }
  }
}

interface SavedMessage {
  readonly reference: Reference
  readonly record: QueuedRecord
}

const openPrefix = 'open/'
const outboxPrefix = 'outbox/'
const openKey = ({ id, clientId }: Reference) => `${openPrefix}${clientId ?? id}`
const outboxKey = ({ order, clientId }: QueuedRecord) => `${outboxPrefix}${order}/${clientId}`

/** 128 random bits. `randomUUID` is missing on pages without TLS. */
const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')
