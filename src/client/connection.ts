import type {
  Ack,
  CommandInput,
  CommandName,
  CommandOutput,
  Events,
  Failure,
  protocolVersion,
} from '../protocol/index.ts'
import { CommandQueue } from './commandQueue.ts'
import { asksForCredential, failureOf, unavailable } from './failures.ts'
import type { SocketPort } from './ports.ts'
import { Listeners, type Runtime } from './runtime.ts'

/** The version this client was written for. Raising the protocol's fails to compile here until the client follows. */
const version: typeof protocolVersion.current = 1

export type ConnectionState =
  | { readonly status: 'idle' | 'connecting' | 'online' | 'closed' }
  /** Not connected, and trying again at that time of day. */
  | { readonly status: 'waiting'; readonly reason: Failure; readonly retryAt: number }
  /** The server will not have this client as it is; `connect` tries again. */
  | { readonly status: 'refused'; readonly reason: Failure }

/** What the handshakes of all audiences have in common: which field carries the credential. */
type Presented = { readonly token?: string | undefined; readonly ticket?: string | undefined }

export interface ConnectionPorts {
  readonly socket: SocketPort
  readonly auth: () => Promise<Presented>
  readonly renew: () => Promise<Presented>
  readonly runtime: Runtime
}

/** Keeps one socket connected for as long as that is wanted and can be had, and carries commands while it is. */
export class Connection {
  readonly changes = new Listeners<ConnectionState>()
  reconnects = 0
  self: Events['welcome']['self'] | undefined
  readonly #ports: ConnectionPorts
  #state: ConnectionState = { status: 'idle' }
  /** Raised whenever a connection ends; what was begun for an earlier turn sees that it is over. */
  #turn = 0
  #attempt = 0
  #onlineSince: number | undefined
  #presented: Presented | undefined
  #mustRenew = false
  #renewedInVain = false
  #renewing = false
  #farewell: Failure | undefined
  /** Either waits for the next attempt or bounds the one that runs. */
  #cancelTimer: () => void = () => undefined
  readonly #queue: CommandQueue
  readonly #unlisten: (() => void)[]

  constructor(ports: ConnectionPorts) {
    this.#ports = ports
    const { runtime, socket } = ports
    this.#queue = new CommandQueue({
      runtime,
      ready: () => this.online,
      emit: (command, input, acknowledge) => void socket.emit(command, input, acknowledge),
    })
    this.#unlisten = [
      this.listen('connect', () => this.#connected()),
      this.listen('connect_error', (error: unknown) => {
        // A transport that reconnects by itself reports its own attempts too; those change nothing.
        if (this.#state.status === 'connecting') this.#lost(failureOf(error))
      }),
      this.listen('disconnect', () =>
        this.#lost(this.#farewell ?? unavailable('The connection was interrupted.')),
      ),
      this.listen('closing', (closing: Events['closing']) => {
        // Nothing is cut short here: answers may still arrive until the server ends the connection.
        this.#farewell = { message: '', ...closing }
      }),
      this.listen('welcome', (welcome: Events['welcome']) => this.#welcomed(welcome)),
      this.listen('session.expiring', () => void this.#renewInBand()),
    ]
  }

  get state(): ConnectionState {
    return this.#state
  }

  get online(): boolean {
    return this.#state.status === 'online' && this.#ports.socket.connected
  }

  listen<Payload>(event: string, listener: (payload: Payload) => void): () => void {
    this.#ports.socket.on(event, listener)
    return () => void this.#ports.socket.off(event, listener)
  }

  connect(): void {
    const { status } = this.#state
    if (status !== 'idle' && status !== 'refused') return
    this.#presented = undefined
    this.#mustRenew = false
    this.#renewedInVain = false
    this.#attempt = 0
    void this.#try()
  }

  /** For good: nothing is sent or heard after this. */
  close(): void {
    this.#end({ status: 'closed' }, unavailable('The client was closed.'))
    this.#ports.socket.disconnect()
    for (const unlisten of this.#unlisten) unlisten()
  }

  /**
   * Sends a command in its turn on this connection or answers `unavailable`; it never rejects. Nothing is buffered for the next one:
   * Socket.IO's own buffer would repeat, ahead of everything else, what its sender has given up or sends again itself.
   */
  async request<Name extends CommandName>(
    command: Name,
    input: CommandInput<Name>,
    timeoutMs = this.#ports.runtime.settings.ackTimeoutMs,
  ): Promise<Ack<CommandOutput<Name>>> {
    const answer = await this.#ask(command, input, timeoutMs)
    if (answer.ok || !asksForCredential(answer.error.code)) return answer
    void this.#renewInBand()
    return { ok: false, error: { ...answer.error, retryable: true } }
  }

  #ask<Name extends CommandName>(
    command: Name,
    input: CommandInput<Name>,
    timeoutMs: number,
  ): Promise<Ack<CommandOutput<Name>>> {
    if (!this.online) return Promise.resolve({ ok: false, error: unavailable('Not connected.') })
    return this.#queue.ask(command, input, timeoutMs)
  }

  async #try(): Promise<void> {
    const turn = ++this.#turn
    const { socket, auth, renew } = this.#ports
    this.#bound()
    this.#become({ status: 'connecting' })
    try {
      if (this.#mustRenew) {
        this.#presented = await renew()
        this.#renewedInVain = true
      } else this.#presented ??= await auth()
      this.#mustRenew = false
    } catch (error) {
      if (turn === this.#turn) this.#lost(failureOf(error), 'nothing to present')
      return
    }
    if (turn !== this.#turn) return
    socket.auth = { ...this.#presented, version }
    socket.connect()
  }

  /** From here the server's welcome has to come in time, or the attempt is given up: a handshake can hang without an error. */
  #bound(): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#ports.runtime.after(this.#ports.runtime.settings.connectTimeoutMs, () => {
      this.#lost(unavailable('The connection could not be made in time.'))
      this.#ports.socket.disconnect()
    })
  }

  #connected(): void {
    this.#farewell = undefined
    const { status } = this.#state
    if (status === 'waiting') {
      // The transport was faster than the next attempt of ours.
      this.#turn++
      this.#bound()
      this.#become({ status: 'connecting' })
    } else if (status !== 'connecting' && status !== 'online') this.#ports.socket.disconnect()
  }

  #welcomed(welcome: Events['welcome']): void {
    if (this.#state.status !== 'connecting') return
    this.#cancelTimer()
    if (this.self) this.reconnects++
    this.self = welcome.self
    this.#renewedInVain = false
    this.#onlineSince = this.#ports.runtime.now()
    this.#become({ status: 'online' })
  }

  #lost(reason: Failure, how?: 'nothing to present'): void {
    const { status } = this.#state
    if (status !== 'online' && status !== 'connecting') return
    const { runtime, socket } = this.#ports
    const expired = asksForCredential(reason.code) && how === undefined
    // A clock may be wrong about expiry; a credential that is fresh and yet not known will not become known.
    const hopeless = expired ? reason.code === 'unauthenticated' && this.#renewedInVain : !reason.retryable
    this.#mustRenew ||= expired
    if (hopeless) {
      this.#end({ status: 'refused', reason }, reason)
      socket.disconnect()
      return
    }
    // A server that welcomes and drops at once must not be met with the quick first retry for ever.
    const { stableAfterMs } = runtime.settings
    if (this.#onlineSince !== undefined && runtime.now() - this.#onlineSince >= stableAfterMs)
      this.#attempt = 0
    this.#onlineSince = undefined
    const delay = runtime.retryDelay(this.#attempt++, reason)
    this.#end({ status: 'waiting', reason, retryAt: runtime.wall() + delay }, reason)
    this.#cancelTimer = runtime.after(delay, () => void this.#try())
  }

  #end(state: ConnectionState, reason: Failure): void {
    this.#turn++
    this.#cancelTimer()
    this.#become(state)
    this.#queue.end(unavailable(reason.message))
  }

  #become(state: ConnectionState): void {
    this.#state = state
    this.changes.tell(state)
  }

  /** Exchanges the credential of the live connection for a new one; should that fail for good, the next handshake tells. */
  async #renewInBand(): Promise<void> {
    if (this.#renewing) return
    this.#renewing = true
    const turn = this.#turn
    const { runtime } = this.#ports
    for (let attempt = 0; turn === this.#turn; attempt++) {
      const failure = await this.#renewOnce()
      if (!failure?.retryable) break
      await runtime.sleep(runtime.retryDelay(attempt, failure))
    }
    this.#renewing = false
  }

  async #renewOnce(): Promise<Failure | undefined> {
    try {
      this.#presented = await this.#ports.renew()
    } catch (error) {
      return failureOf(error)
    }
    const credential = this.#presented.token ?? this.#presented.ticket
    // A browser that sends its cookie has nothing to show here.
    if (credential === undefined) return undefined
    const { ackTimeoutMs } = this.#ports.runtime.settings
    const answer = await this.#ask('session.renew', { credential }, ackTimeoutMs)
    return answer.ok ? undefined : answer.error
  }
}
