import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type Socket } from 'socket.io'
import type { Ack, ConversationState, Entry, Events, Failure, Run } from '../../src/protocol/index.ts'
import { ServerLog } from './serverLog.ts'

interface Input {
  conversationId?: string
  clientId: string
  after?: number
  before?: number
  limit?: number
  delivered?: number
  read?: number
  typing?: boolean
  parts?: { text: string }[]
  messageId?: string
  parentId?: string
  credential?: string
  greeting?: string
  language?: string
}

export interface Heard {
  readonly command: string
  readonly input: Input
  readonly socket: string
}

/** What goes wrong; each is asked for every time and does nothing unless a test says otherwise. */
export interface Faults {
  refuseHandshake(auth: Record<string, unknown>): Failure | undefined
  /** A command answered with this is not carried out. */
  refuse(heard: Heard): Failure | undefined
  loseAck(heard: Heard): boolean
  loseEvent(name: string): boolean
  repeatEvent(name: string): boolean
  delayAckMs(heard: Heard): number
  silentWelcome(): boolean
}

const noFaults: Faults = {
  refuseHandshake: () => undefined,
  refuse: () => undefined,
  loseAck: () => false,
  loseEvent: () => false,
  repeatEvent: () => false,
  delayAckMs: () => 0,
  silentWelcome: () => false,
}

const moves = new Set(['conversation.claim', 'conversation.handBack', 'conversation.resolve'])

export const failure = (code: Failure['code'], retryable: boolean, retryAfter?: number): Failure => ({
  code,
  message: code,
  retryable,
  ...(retryAfter === undefined ? {} : { retryAfter }),
})

/** Speaks just enough of the protocol, over a real Socket.IO server, to be a client's other side. */
export class ClientPeer {
  readonly faults: Faults = { ...noFaults }
  readonly visitor: Entry['sender'] = { kind: 'contact', id: randomUUID() }
  readonly agent: Entry['sender'] = { kind: 'agent', id: randomUUID() }
  readonly heard: Heard[] = []
  readonly handshakes: Record<string, unknown>[] = []
  readonly marks: Events['mark'][] = []
  /** Who answers, in every conversation. */
  ownership: Pick<ConversationState, 'owner' | 'assignedMemberId' | 'epoch'> = {
    ...{ owner: 'ai', assignedMemberId: null, epoch: 0 },
  }
  /** The answer on its way, with its text so far. */
  live: (Run & { text: string }) | undefined
  readonly #logs = new Map<string, ServerLog>()
  readonly #started = new Map<string, ServerLog>()
  readonly #http = createServer()
  #io = new Server()
  port: number

  constructor(port = 0) {
    this.port = port
  }

  async start(): Promise<this> {
    await new Promise<void>(resolve => this.#http.listen(this.port, '127.0.0.1', resolve))
    this.port = (this.#http.address() as AddressInfo).port
    this.#io = new Server(this.#http, { transports: ['websocket'] })
    this.#io
      .of('/visitor')
      .use((socket, next) => {
        this.handshakes.push(socket.handshake.auth)
        const refused = this.faults.refuseHandshake(socket.handshake.auth)
        next(refused && Object.assign(new Error(refused.code), { data: refused }))
      })
      .on('connection', socket => this.#welcome(socket))
    return this
  }

  async stop(): Promise<void> {
    await this.#io.close()
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/visitor`
  }

  newLog(): ServerLog {
    const log = new ServerLog()
    this.#logs.set(log.id, log)
    return log
  }

  log(id: string): ServerLog {
    const log = this.#logs.get(id)
    if (!log) throw new Error(`no log ${id}`)
    return log
  }

  commands(name: string): Heard[] {
    return this.heard.filter(({ command }) => command === name)
  }

  /** An agent writes on. */
  write(log: ServerLog, text: string): void {
    if (!this.live) throw new Error('nothing is being written')
    const { runId, epoch, text: before } = this.live
    this.live.text += text
    this.emit('delta', { conversationId: log.id, runId, epoch, offset: before.length, text })
  }

  /** Someone of the team says something. */
  say(log: ServerLog, text: string): Entry {
    const { entry } = log.append({ sender: this.agent, clientId: randomUUID(), type: 'text', text })
    this.#publish(log, entry)
    return entry
  }

  emit<Name extends keyof Events>(name: Name, payload: Events[Name]): void {
    if (this.faults.loseEvent(name)) return
    this.#io.of('/visitor').emit(name, payload)
    if (this.faults.repeatEvent(name)) this.#io.of('/visitor').emit(name, payload)
  }

  /** The network goes without a word. */
  cut(): void {
    for (const socket of this.#io.of('/visitor').sockets.values()) socket.conn.close()
  }

  /** The server ends it, which tells Socket.IO's own client not to come back. */
  dismiss(closing?: Events['closing']): void {
    if (closing) this.emit('closing', closing)
    this.#io.of('/visitor').disconnectSockets()
  }

  #welcome(socket: Socket): void {
    socket.onAny((command: string, input: Input, acknowledge: (answer: Ack<unknown>) => void) => {
      const heard = { command, input, socket: socket.id }
      this.heard.push(heard)
      const refused = this.faults.refuse(heard)
      const answer: Ack<unknown> = refused
        ? { ok: false, error: refused }
        : { ok: true, value: this.#carryOut(heard) }
      if (this.faults.loseAck(heard)) return
      const delay = this.faults.delayAckMs(heard)
      if (delay > 0) setTimeout(() => acknowledge(answer), delay)
      else acknowledge(answer)
    })
    if (this.faults.silentWelcome()) return
    const welcome: Events['welcome'] = { version: 1, self: this.visitor, expiresAt: null }
    socket.emit('welcome', welcome)
  }

  #carryOut({ command, input }: Heard): unknown {
    if (command === 'conversation.open') return this.#open(input)
    if (command === 'history.read') return this.log(input.conversationId ?? '').page(input)
    if (command === 'message.send') return this.#write(input, 'text', input.parentId)
    if (command === 'message.edit') return this.#write(input, 'edit', input.messageId)
    if (command === 'message.delete') return this.#write(input, 'delete', input.messageId)
    if (command === 'run.read') return this.#readRun(input.conversationId ?? '')
    if (command === 'conversation.reply') return this.#write(input, 'text')
    if (moves.has(command)) return { epoch: this.ownership.epoch }
    if (command === 'session.renew') return { expiresAt: null }
    return {}
  }

  #open(input: Input) {
    const log =
      input.conversationId === undefined ? this.#startOnce(input.clientId) : this.log(input.conversationId)
    const conversation: ConversationState = {
      id: log.id,
      kind: 'chat',
      channel: 'widget',
      status: 'active',
      title: null,
      ...this.ownership,
      contactId: this.visitor.id,
      agentId: this.agent.id,
      head: log.head,
      startedAt: new Date(0).toISOString(),
      lastMessageAt: null,
    }
    return { ...log.page(input), conversation, marks: this.marks, online: true }
  }

  #readRun(conversationId: string) {
    if (!this.live) return { run: null }
    const { text, ...run } = this.live
    const { runId, epoch } = run
    // After the answer.
    setImmediate(() => this.emit('delta', { conversationId, runId, epoch, offset: 0, text }))
    return { run }
  }

  #startOnce(clientId: string): ServerLog {
    const log = this.#started.get(clientId) ?? this.newLog()
    this.#started.set(clientId, log)
    return log
  }

  #write({ conversationId = '', clientId, parts }: Input, type: Entry['type'], parentId?: string) {
    const log = this.log(conversationId)
    const text = parts?.map(part => part.text).join('\n') ?? ''
    const { entry, repeated } = log.append({ sender: this.visitor, clientId, type, text, parentId })
    if (!repeated) this.#publish(log, entry)
    return { id: entry.id, seq: entry.seq, createdAt: entry.createdAt }
  }

  #publish(log: ServerLog, entry: Entry): void {
    this.emit('entries', { conversationId: log.id, entries: [entry], head: entry.seq })
  }
}
