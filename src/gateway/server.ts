import type { Server as HttpServer, IncomingMessage } from 'node:http'
import { type Namespace, Server, type Socket } from 'socket.io'
import { Adapter } from 'socket.io-adapter'
import { type Log, type Metrics, ParleyError } from '../kernel/index.ts'
import { type Audience, audiences } from '../protocol/index.ts'
import { type DeliveryHooks, localFirst } from './adapter.ts'
import type { Bus } from './bus.ts'
import { type Command, command } from './command.ts'
import { drainSlowly } from './drain.ts'
import { describe } from './failure.ts'
import { cut } from './frames.ts'
import { FrugalWebSocketServer, surviveBrokenUpgrades } from './frugalWebSockets.ts'
import { type Guard, guardConnections, packetCap } from './guard.ts'
import { type Attempts, admitOn, type Doors } from './handshake.ts'
import { createLimits, type GatewayLimits } from './limits.ts'
import { createPipeline } from './pipeline.ts'
import { type Publishing, publishing } from './publishing.ts'
import { close, createReception, type SessionListener } from './reception.ts'
import type { SocketSession } from './session.ts'
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
/** So long a connection that took too little may take what waits for it and say goodbye. */
const lastWordsMs = 3_000

export function createGateway(parts: GatewayParts): Gateway {
  const { doors, log } = parts
  const delivered: DeliveryListener[] = []
  let draining = false
  const limits = createLimits(parts.limits, session => close(session as SocketSession, 'rate_limited', 10))
  const packetsPerSecond = Math.max(500, 4 * parts.limits.commandsPerSecond)
  const guard = guardConnections({ ...parts, limits, draining: () => draining, packetsPerSecond })
  const hooks = deliveryHooks(parts, delivered, socket => reception.sessions.get(socket))
  const reception = createReception({ ...parts, guard, hooks })
  const { sessions, welcome } = reception
  const io = createServer(parts, guard, hooks)
  const watch = watchCredentials({ sessions: () => sessions.values(), doors, log, close })

  return {
    ...publishing(io, hooks.othersAreThere),
    open(server, commands) {
      reception.serve(createPipeline({ ...parts, commands: [...commands, renewCommand(doors)], limits }))
      const attempts = new WeakMap<object, Attempts>()
      for (const audience of audiences)
        admitOn(io.of(`/${audience}`), audience, { doors, log, welcome, attempts })
      surviveBrokenUpgrades(server)
      io.attach(server)
      io.engine.on('connection', guard.opened)
      io.engine.use(sameOrigin(io, guard))
    },
    sessionsHere: () => sessions.values(),
    onEntered: listener => void reception.entered.push(listener),
    onLeft: listener => void reception.left.push(listener),
    onDelivered: listener => void delivered.push(listener),
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

const deliveryHooks = (
  { bus, metrics }: GatewayParts,
  delivered: readonly DeliveryListener[],
  sessionOf: (socket: Socket) => SocketSession | undefined,
): DeliveryHooks => ({
  cap: waitingCap,
  tooSlow: socket => {
    metrics.slowConsumers.inc()
    const session = sessionOf(socket)
    // Behind all that waits already; whoever still reads gets to know why, and nothing more is added for who does not.
    if (session) close(session, 'slow_consumer', 0)
    setTimeout(() => cut(socket), lastWordsMs).unref()
  },
  delivered: (namespace, room, event, payload) => {
    for (const listener of delivered) listener(namespace.slice(1) as Audience, room, event, payload)
  },
  othersAreThere: () => bus?.othersAreThere ?? false,
  publish: bus && ((...what) => void bus.publish(...what).catch(() => metrics.notPublished.inc())),
  notPublished: () => metrics.notPublished.inc(),
})

function createServer({ bus }: GatewayParts, { allowRequest }: Guard, hooks: DeliveryHooks): Server {
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
