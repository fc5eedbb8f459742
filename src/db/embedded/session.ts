import type { Socket } from 'node:net'
import type { Engine } from './engine.ts'
import { DATABASE, USER } from './identity.ts'
import type { EmbeddedLog } from './messages.ts'
import { Statements } from './statements.ts'
import type { Member, Turns } from './turns.ts'
import {
  CANCEL_REQUEST,
  COPY_FAIL,
  fatal,
  GSS_REQUEST,
  MessageReader,
  PROTOCOL_MAJOR,
  ProtocolViolation,
  query,
  SSL_REQUEST,
  SYNC,
  startupParameters,
} from './wire.ts'

export interface SessionContext {
  readonly engine: Engine
  readonly turns: Turns
  readonly log: EmbeddedLog
}

// Above this much unexecuted input a client is not read any further until it has been worked off.
const INPUT_HIGH_WATER = 16 * 1024 * 1024

// What one connection may leave behind in the session that all of them share. `RESET ALL` spares the role.
const FORGET = ['set session authorization default', 'reset role', 'reset all', 'unlisten *', 'close all']

/**
 * One client connection. It gathers messages into units and executes a unit in one go, because the engine has
 * one session for everybody: were Parse, Bind and Execute of two connections to interleave, one would execute the
 * other's statement.
 *
 * A unit ends where the client waits for an answer: simple query, function call, Sync or Flush.
 * The database stays with this connection until an answer says 'idle': through an open
 * transaction, and after Flush, since the statement and a failed state last until Sync.
 *
 * Not kept apart between connections, because the engine has one session: settings made without LOCAL,
 * session-level advisory locks (they exclude nobody; the transaction-level ones are fine),
 * temporary tables, SQL-level PREPARE and WITH HOLD cursors, and LISTEN. Parameters of the startup message other than
 * user and database have no effect. Cancelling and time limits are not available: the engine cannot be interrupted.
 * COPY FROM STDIN fails with an error; COPY TO STDOUT works.
 */
export class Session implements Member {
  readonly #socket: Socket
  readonly #context: SessionContext
  readonly #reader = new MessageReader()
  readonly #statements: Statements
  #started = false
  #gathering: Buffer[] = []
  #units: Buffer[] = []
  #pendingBytes = 0
  /** Whether the database stays with this connection: invariant, equal to the last step's result. */
  #keeps = false
  #used = false
  /** No more input counts; what is queued is executed, then the traces are removed. */
  #ending = false
  #ended = false
  readonly ended: Promise<void>
  #resolveEnded: () => void = () => undefined

  constructor(id: number, socket: Socket, context: SessionContext) {
    this.#socket = socket
    this.#context = context
    this.#statements = new Statements(id)
    this.ended = new Promise(resolve => {
      this.#resolveEnded = resolve
    })
    socket.setNoDelay(true)
    socket.on('data', chunk => this.#receive(chunk))
    socket.on('drain', () => context.turns.ask(this))
    socket.on('error', error => context.log.info({ reason: error.message }, 'database connection broke'))
    socket.on('close', () => this.#lost())
  }

  ready(): boolean {
    if (this.#ended) return false
    if (this.#ending && this.#units.length === 0) return true
    // A client that does not read its answers must not make us hold ever more of them.
    return this.#units.length > 0 && !this.#socket.writableNeedDrain
  }

  async step(): Promise<boolean> {
    const unit = this.#units.shift()
    if (unit === undefined) {
      await this.#forget()
      this.#keeps = false
      return false
    }
    this.#pendingBytes -= unit.length
    if (this.#pendingBytes < INPUT_HIGH_WATER) this.#socket.resume()
    this.#used = true
    const reply = await this.#context.engine.run(unit)
    this.#keeps = reply.status !== 'idle'
    if (reply.bytes.length > 0 && this.#socket.writable) this.#socket.write(reply.bytes)
    return this.#keeps
  }

  /** It held the database without using it for too long. */
  expire(): void {
    this.#context.log.warn({}, 'rolled back a transaction that was idle for too long')
    this.close('25P03', 'terminating connection due to idle-in-transaction timeout')
  }

  /** Ends the connection from our side; the client is told why. */
  close(code: string, reason: string): void {
    if (this.#socket.writable) this.#socket.end(fatal(code, reason))
    // Not waiting for the client to close its side: whoever hangs would keep the database.
    this.#socket.destroySoon()
    this.#lost()
  }

  /** Gone without saying so. Units not yet executed were not acknowledged, so dropping them breaks no promise. */
  #lost(): void {
    if (this.#ended) return
    if (!this.#ending) this.#units = []
    this.#end()
  }

  #end(): void {
    this.#ending = true
    this.#gathering = []
    this.#context.turns.ask(this)
  }

  #receive(chunk: Buffer): void {
    if (this.#ending) return
    this.#context.turns.touch(this)
    this.#reader.push(chunk)
    try {
      while (!this.#ending) {
        const incoming = this.#reader.next(this.#started ? 'typed' : 'startup')
        if (incoming === undefined) break
        if (this.#started) this.#accept(incoming)
        else this.#start(incoming)
      }
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error
      this.#context.log.warn(
        { reason: error.message },
        'closed a database connection that broke the protocol',
      )
      this.close('08P01', error.message)
    }
  }

  #start(packet: Buffer): void {
    if (packet.length < 8) throw new ProtocolViolation('the startup message is too short')
    const code = packet.readInt32BE(4)
    if (code === SSL_REQUEST || code === GSS_REQUEST) {
      this.#socket.write('N')
      return
    }
    if (code === CANCEL_REQUEST) {
      // The engine cannot be interrupted while it computes; Postgres, too, answers a cancel request with silence.
      this.#socket.end()
      this.#end()
      return
    }
    if (code >> 16 !== PROTOCOL_MAJOR) throw new ProtocolViolation(`unsupported protocol ${code >> 16}`)
    const unknown = unknownTarget(startupParameters(packet))
    if (unknown !== undefined) {
      this.close(unknown.code, unknown.reason)
      return
    }
    this.#started = true
    this.#socket.write(this.#context.engine.greeting)
  }

  #accept(incoming: Buffer): void {
    switch (String.fromCharCode(incoming[0] ?? 0)) {
      case 'P':
      case 'B':
      case 'D':
      case 'C':
      case 'E':
        this.#gathering.push(this.#statements.translate(incoming))
        return
      case 'S':
      case 'H':
        this.#gathering.push(COPY_FAIL, this.#statements.translate(incoming))
        this.#enqueue()
        return
      case 'Q':
      case 'F':
        this.#gathering.push(incoming, COPY_FAIL)
        this.#enqueue()
        return
      case 'd':
      case 'c':
      case 'f':
        // Data for a COPY that was answered with an error. Postgres drops what arrives afterwards, too.
        return
      case 'X':
        this.#end()
        return
      default:
        throw new ProtocolViolation(`invalid frontend message type ${incoming[0]}`)
    }
  }

  #enqueue(): void {
    const unit = Buffer.concat(this.#gathering)
    this.#gathering = []
    this.#units.push(unit)
    this.#pendingBytes += unit.length
    if (this.#pendingBytes > INPUT_HIGH_WATER) this.#socket.pause()
    this.#context.turns.ask(this)
  }

  async #forget(): Promise<void> {
    this.#ended = true
    try {
      if (!this.#used) return
      // Sync first: after a failed or unfinished sequence everything before it would be skipped.
      const open = this.#keeps ? [SYNC, query('rollback')] : []
      const cleaning = [...open, ...this.#statements.closing(), SYNC, ...FORGET.map(query)]
      const { status } = await this.#context.engine.run(Buffer.concat(cleaning))
      if (status !== 'idle') throw new Error('the session could not be brought back to idle')
    } finally {
      this.#socket.end()
      this.#resolveEnded()
    }
  }
}

function unknownTarget(asked: Map<string, string>): { code: string; reason: string } | undefined {
  const user = asked.get('user') ?? ''
  const database = asked.get('database') ?? user
  if (user !== USER)
    return { code: '28000', reason: `role "${user}" does not exist; there is only "${USER}"` }
  if (database === DATABASE) return undefined
  return { code: '3D000', reason: `database "${database}" does not exist; there is only "${DATABASE}"` }
}
