import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { type Namespace, Server, type Socket } from 'socket.io'
import { Adapter } from 'socket.io-adapter'
import { type Log, type Metrics, ParleyError } from '../kernel/index.ts'
import { type Audience, audiences, type ErrorCode, errorTable, protocolVersion } from '../protocol/index.ts'
import { type DeliveryHooks, localFirst } from './adapter.ts'
import { backlogOf } from './backlog.ts'
import type { Bus } from './bus.ts'
import { type Command, command } from './command.ts'
import { drainSlowly } from './drain.ts'
import { describe } from './failure.ts'
import { cut } from './frames.ts'
import { FrugalWebSocketServer, surviveBrokenUpgrades } from './frugalWebSockets.ts'
import { type Guard, guardConnections, packetCap } from './guard.ts'
import { type Admission, type Attempts, admitOn, type Doors } from './handshake.ts'
import { createLimits, type GatewayLimits } from './limits.ts'
import { createPipeline, type Pipeline } from './pipeline.ts'
import { type Publishing, publishing } from './publishing.ts'
import { rooms } from './rooms.ts'
import { SocketSession } from './session.ts'
import { strictParser } from './strictParser.ts'
import { watchCredentials } from './watchCredentials.ts'

export interface GatewayParts {
  readonly bus: Bus | undefined
  readonly doors: Doors
  readonly limits: GatewayLimits
  readonly trustProxy: number
  readonly publicOrigin: string
  readonly log: Log
  readonly metrics: Metrics
}

type SessionListener = (session: SocketSession) => void
type DeliveryListener = (audience: Audience, room: string, event: unknown, payload: unknown) => void

export interface Gateway extends Publishing {
  /** From now on connections are taken, and these commands carried out. */
  open(server: HttpServer, commands: readonly Command[]): void
  /** All connections of this node. */
  sessionsHere(): Iterable<SocketSession>
  onEntered(listener: SessionListener): void
  onLeft(listener: SessionListener): void
  /** An event has been handed to the sockets of a room on this node. */
  onDelivered(listener: DeliveryListener): void
  /** Looks at once whether everybody who is connected is still welcome. */
  recheck(): void
  /** Takes no more connections, and gives back those it has, spread over the time given (L10). */
  drain(overMs: number): Promise<void>
  close(): Promise<void>
}

/** Bytes that may wait for one connection (L9). */
const waitingCap = 1024 * 1024

export function createGateway(parts: GatewayParts): Gateway {
  const { bus, doors, log } = parts
  const sessions = new Map<Socket, SocketSession>()
  const listeners = {
    entered: [] as SessionListener[],
    left: [] as SessionListener[],
    delivered: [] as DeliveryListener[],
  }
  let draining = false
  const limits = createLimits(parts.limits, session => close(session as SocketSession, 'rate_limited', 10))
  const packetsPerSecond = Math.max(500, 4 * parts.limits.commandsPerSecond)
  const guard = guardConnections({ ...parts, limits, draining: () => draining, packetsPerSecond })
  const io = createServer(parts, guard, listeners.delivered)
  const watch = watchCredentials({ sessions: () => sessions.values(), doors, log, close })
  let pipeline: Pipeline | undefined

  function welcome(socket: Socket, audience: Audience, admission: Admission): void {
    const session = new SocketSession(socket, audience, admission, bus)
    sessions.set(socket, session)
    guard.admitted(socket)
    parts.metrics.connections.inc({ audience })
    const { scope, self, expiresAt } = admission
    void session.join(rooms.actor(scope.tenantId, scope.actor))
    socket.onAny((name: unknown, ...args: unknown[]) => {
      // Answers wait for the connection as events do: who reads none of them is not given more (L9).
      if (backlogOf(socket.conn, waitingCap) > waitingCap) return tooSlow(parts, socket)
      session.running++
      void pipeline?.(session, name, args).finally(() => session.running--)
    })
    socket.on('disconnect', () => {
      sessions.delete(socket)
      // One connection is one session: without it nothing is left to do here.
      socket.conn.close()
      parts.metrics.connections.dec({ audience })
      for (const listener of listeners.left) listener(session)
    })
    session.emit('welcome', {
      version: protocolVersion.current,
      self,
      expiresAt: expiresAt?.toISOString() ?? null,
    })
    for (const listener of listeners.entered) listener(session)
  }

  return {
    ...publishing(io),
    open(server, commands) {
      pipeline = createPipeline({ ...parts, commands: [...commands, renewCommand(doors)], limits })
      const attempts = new WeakMap<object, Attempts>()
      for (const audience of audiences)
        admitOn(io.of(`/${audience}`), audience, { doors, log, welcome, attempts })
      surviveBrokenUpgrades(server)
      io.attach(server)
      io.engine.on('connection', guard.opened)
      io.engine.use(sameOrigin(io, guard))
    },
    sessionsHere: () => sessions.values(),
    onEntered: listener => void listeners.entered.push(listener),
    onLeft: listener => void listeners.left.push(listener),
    onDelivered: listener => void listeners.delivered.push(listener),
    recheck: watch.recheck,
    drain: overMs => {
      draining = true
      return drainSlowly([...sessions.values()], overMs, session => close(session, 'draining', 0))
    },
    close: async () => {
      draining = true
      watch.stop()
      for (const session of sessions.values()) session.socket.conn.close(true)
      await Promise.all(audiences.map(audience => io.of(`/${audience}`).adapter.close()))
      io.engine?.close()
    },
  }
}

function tooSlow({ metrics }: Pick<GatewayParts, 'metrics'>, socket: Socket): void {
  metrics.slowConsumers.inc()
  cut(socket)
}

function close(session: SocketSession, code: ErrorCode, retryAfter?: number): void {
  const { retryable } = errorTable[code]
  session.emit('closing', { code, retryable, ...(retryAfter === undefined ? {} : { retryAfter }) })
  // Not `disconnect()`: that tells clients to stay away.
  session.socket.conn.close()
}

function createServer(
  { bus, metrics }: GatewayParts,
  { allowRequest }: Guard,
  delivered: readonly DeliveryListener[],
): Server {
  const io = new Server({
    serveClient: false,
    transports: ['websocket', 'polling'],
    parser: strictParser,
    connectTimeout: 5_000,
    maxHttpBufferSize: packetCap,
    perMessageDeflate: false,
    httpCompression: false,
    wsEngine: FrugalWebSocketServer,
    // A connection that leads nowhere without saying so is noticed within both together.
    pingInterval: 12_000,
    pingTimeout: 8_000,
    allowRequest,
    // Which pages may connect is decided there; this only lets a browser read the answers of polling.
    cors: { origin: true, credentials: true },
  })
  const hooks: DeliveryHooks = {
    cap: waitingCap,
    tooSlow: socket => tooSlow({ metrics }, socket),
    delivered: (namespace, room, event, payload) => {
      for (const listener of delivered) listener(namespace.slice(1) as Audience, room, event, payload)
    },
    notPublished: () => metrics.notPublished.inc(),
  }
  const make = bus?.makeAdapter ?? ((namespace: Namespace) => new Adapter(namespace))
  io.adapter(localFirst(make, hooks) as never)
  io.use((_socket, next) => {
    const failure = describe(new ParleyError('not_found', `The namespaces are /${audiences.join(', /')}.`))
    next(Object.assign(new Error(failure.message), { data: failure }))
  })
  return io
}

/** For requests that go on with a connection; those that begin one are looked at by `allowRequest`. */
const sameOrigin =
  (io: Server, guard: Guard) =>
  (request: IncomingMessage, _response: unknown, next: (refusal?: Error) => void): void => {
    const { sid = '' } = (request as IncomingMessage & { _query: { sid?: string } })._query
    const clients = (io.engine as unknown as { clients: Record<string, object> }).clients
    const raw = Object.hasOwn(clients, sid) ? clients[sid] : undefined
    next(raw && !guard.continues(raw, request) ? new Error('another page') : undefined)
  }

/** The only command of the gateway itself. */
const renewCommand = (doors: Doors): Command =>
  command('session.renew', undefined, async ({ scope, session, input }) => {
    const expiresAt = await doors.renew(session.audience, scope, input.credential)
    session.renewed(expiresAt)
    return { expiresAt: expiresAt?.toISOString() ?? null }
  })
