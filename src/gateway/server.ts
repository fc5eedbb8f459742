import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import { type Namespace, Server } from 'socket.io'
import { Adapter } from 'socket.io-adapter'
import { type Log, type Metrics, newId } from '../kernel/index.ts'
import {
  type Audience,
  audiences,
  type EventName,
  type Events,
  errorTable,
  type Problem,
} from '../protocol/index.ts'
import { type DeliveryHooks, localFirst } from './adapter.ts'
import type { Bus } from './bus.ts'
import { type Command, command } from './command.ts'
import { drainSlowly } from './drain.ts'
import { cut, deliver, eventPacket, frame } from './frames.ts'
import { FrugalWebSocketServer, surviveBrokenUpgrades, sweepControlFrames } from './frugalWebSockets.ts'
import { type Guard, guardConnections } from './guard.ts'
import { admitOn, type Doors } from './handshake.ts'
import { countIdle } from './idleConnections.ts'
import { createLimits, type GatewayLimits, packetCap } from './limits.ts'
import { createPipeline } from './pipeline.ts'
import { type Publishing, publishing } from './publishing.ts'
import { close, createReception, type SessionListener, sessionOf } from './reception.ts'
import type { SocketSession } from './session.ts'
import { countSilent } from './silentConnections.ts'
import { noNamespace, strictParser } from './strictParser.ts'
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
type HintListener = (audience: Audience, room: string, words: readonly string[]) => void

interface Listeners {
  readonly delivered: DeliveryListener[]
  readonly hinted: HintListener[]
}

export interface Gateway extends Publishing {
  /** From now on connections are taken, and these commands carried out. */
  open(server: HttpServer, commands: readonly Command[]): void
  /** All connections of this node. */
  sessionsHere(): Iterable<SocketSession>
  /** Those of an audience that are in a room. */
  sessionsIn(audience: Audience, room: string): SocketSession[]
  /** Hands an event to these connections of one audience; encoded once for all of them. */
  publishTo<Name extends EventName>(
    sessions: readonly SocketSession[],
    event: Name,
    payload: Events[Name],
  ): void
  onEntered(listener: SessionListener): void
  onLeft(listener: SessionListener): void
  /** An event has been handed to the sockets of a room on this node. */
  onDelivered(listener: DeliveryListener): void
  /** Another node has said something about a room in which someone is here. */
  onHint(listener: HintListener): void
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
/** What limits remember of connections that are gone goes in twice that, or when their buckets are full. */
const sweepMs = 10_000

export function createGateway(parts: GatewayParts): Gateway {
  const { doors, log } = parts
  const listeners: Listeners = { delivered: [], hinted: [] }
  let draining = false
  const limits = createLimits(parts.limits, session => close(session as SocketSession, 'rate_limited', 10))
  const guard = guardConnections({ ...parts, limits, draining: () => draining })
  const hooks = deliveryHooks(parts, listeners)
  const reception = createReception({ ...parts, guard, hooks })
  const { sessions, welcome } = reception
  const io = createServer(parts, guard, hooks)
  const watch = watchCredentials({ sessions: () => sessions, doors, log, close })
  const sweeping = setInterval(() => {
    limits.sweep()
    sweepControlFrames()
  }, sweepMs).unref()

  return {
    ...publishing(io),
    open(server, commands) {
      reception.serve(createPipeline({ ...parts, commands: [...commands, renewCommand(doors)], limits }))
      for (const audience of audiences)
        admitOn(io.of(`/${audience}`), audience, {
          ...{ doors, log, welcome, limits },
          ...{ attemptsOf: guard.attemptsOf, draining: () => draining },
        })
      surviveBrokenUpgrades(server)
      io.attach(server)
      countSilent(server, limits, parts.trustProxy)
      countIdle(server, limits, parts.trustProxy)
      io.engine.on('connection', guard.opened)
      io.engine.use(refuseOtherMethods)
      io.engine.use(sameOrigin(io, guard))
    },
    sessionsHere: () => sessions,
    sessionsIn: (audience, room) => {
      const namespace = io.of(`/${audience}`)
      const ids = [...(namespace.adapter.rooms.get(room) ?? [])]
      return ids.flatMap(id => sessionOf(namespace.sockets.get(id)) ?? [])
    },
    publishTo: ([first, ...others], event, payload) => {
      if (!first) return
      const encoded = frame(eventPacket(first.socket.nsp.name, event, payload), false)
      for (const { socket } of [first, ...others])
        if (deliver(socket, encoded, hooks.cap, true) === 'too slow') hooks.tooSlow(socket)
    },
    onEntered: listener => void reception.entered.push(listener),
    onLeft: listener => void reception.left.push(listener),
    onDelivered: listener => void listeners.delivered.push(listener),
    onHint: listener => void listeners.hinted.push(listener),
    recheck: watch.recheck,
    drain: async overMs => {
      draining = true
      const giveBack = (session: SocketSession) => close(session, 'draining', 0)
      const all = new Set(sessions)
      await drainSlowly([...all], overMs, giveBack)
      // Who was on the doorstep in that moment.
      await drainSlowly(
        [...sessions].filter(session => !all.has(session)),
        0,
        giveBack,
      )
    },
    close: async () => {
      draining = true
      watch.stop()
      clearInterval(sweeping)
      for (const session of sessions) session.socket.conn.close(true)
      await Promise.all(audiences.map(audience => io.of(`/${audience}`).adapter.close()))
      io.engine?.close()
    },
  }
}

const deliveryHooks = ({ bus, metrics }: GatewayParts, listeners: Listeners): DeliveryHooks => ({
  cap: waitingCap,
  tooSlow: socket => {
    metrics.slowConsumers.inc()
    const session = sessionOf(socket)
    // Behind all that waits already; whoever still reads gets to know why, and nothing more is added for who does not.
    if (session) close(session, 'slow_consumer', 0)
    setTimeout(() => cut(socket), lastWordsMs).unref()
  },
  delivered: (namespace, room, event, payload) => {
    for (const listener of listeners.delivered) listener(namespace.slice(1) as Audience, room, event, payload)
  },
  hinted: (namespace, room, words) => {
    for (const listener of listeners.hinted) listener(namespace.slice(1) as Audience, room, words)
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
  io.use((_socket, next) => next(Object.assign(new Error(noNamespace.message), { data: noNamespace })))
  return io
}

/** Engine.IO takes a method that it does not know for a fault of its own. */
function refuseOtherMethods(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  if (request.method === 'GET' || request.method === 'POST') {
    next()
    return
  }
  const code = 'method_not_allowed'
  const { status, title, retryable } = errorTable[code]
  const problem: Problem = {
    ...{ type: `/api/docs/errors#${code}`, title, status, code, retryable },
    requestId: newId(),
  }
  response.writeHead(status, { allow: 'GET, POST', 'content-type': 'application/problem+json' })
  response.end(JSON.stringify(problem))
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
