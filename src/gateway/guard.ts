import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'socket.io'
import type { WebSocket } from 'ws'
import { type Log, networkOf } from '../kernel/index.ts'
import { capMessages, strangersBytes } from './frugalWebSockets.ts'
import type { Attempts, Doors } from './handshake.ts'
import { type Limits, packetCap } from './limits.ts'
import { keepOnly } from './onlyOne.ts'

interface GuardParts {
  readonly doors: Doors
  readonly limits: Limits
  readonly log: Log
  readonly publicOrigin: string
  readonly trustProxy: number
  readonly draining: () => boolean
}

/** Engine.IO's connection, below the namespaces. */
export interface RawConnection {
  request: IncomingMessage
  readonly transport: EventEmitter & { readonly name: string; readonly socket?: WebSocket }
  close(discard?: boolean): void
  on(event: 'packet', listener: (packet: { data?: string | Buffer }) => void): void
  on(event: 'upgrade', listener: (transport: object) => void): void
  on(event: 'close', listener: () => void): void
}

export interface Guard {
  /** Engine.IO asks before it takes a connection. */
  readonly allowRequest: (
    request: IncomingMessage,
    done: (refusal: string | null | undefined, ok: boolean) => void,
  ) => void
  /** Whether a later request comes from the page that opened the connection. Its id stands in addresses, and so in their logs. */
  readonly continues: (raw: object, request: IncomingMessage) => boolean
  readonly opened: (raw: RawConnection) => void
  readonly attemptsOf: (raw: object) => Attempts
  readonly admitted: (socket: Socket) => void
}

/** What is remembered of a connection while it lasts. */
interface Caller extends Attempts {
  readonly page: string | undefined
  /** What it sent before it was known whose it is. */
  bytes: number
}

/** Everything that is refused before a namespace is asked: wrong pages, too many connections, floods. */
export function guardConnections(parts: GuardParts): Guard {
  const { doors, limits, log, draining } = parts
  const callers = new WeakMap<object, Caller>()

  const allowRequest: Guard['allowRequest'] = (request, done) => {
    const query = new URL(request.url ?? '/', 'http://any').searchParams
    // Engine.IO asks for first requests alone. What it takes for one is its matter: an empty `sid` in the query is no way around.
    if (draining()) return done('draining', false)
    request.parleyAddress = addressOf(request, parts.trustProxy)
    if (!limits.attempt(networkOf(request.parleyAddress))) return done('rate_limited', false)
    const widgetKey = query.get('widget') ?? undefined
    if (widgetKey !== undefined) request.parleyWidget = widgetKey
    mayConnect(request, widgetKey).then(
      allowed => done(allowed ? null : 'forbidden', allowed),
      error => {
        log.debug({ err: error }, 'a connection could not be checked')
        done('unavailable', false)
      },
    )
  }

  async function mayConnect(request: IncomingMessage, widgetKey: string | undefined): Promise<boolean> {
    const { origin, host } = request.headers
    // Programs send none; whoever can leave it out could also make one up. Browsers cannot.
    if (origin === undefined) return true
    const ours = origin === parts.publicOrigin || (URL.canParse(origin) && new URL(origin).host === host)
    return ours || (widgetKey !== undefined && doors.allowsPage(widgetKey, origin))
  }

  const opened = (raw: RawConnection) => {
    const address = networkOf(raw.request.parleyAddress ?? 'unknown')
    if (!limits.connections.opened(address)) {
      end(raw)
      return
    }
    callers.set(raw, { address, page: raw.request.headers.origin, bytes: 0, made: 0, entered: false })
    capMessages(raw.transport, strangersBytes)
    raw.on('packet', received)
    raw.on('close', closed)
  }

  // One function of each kind for all connections: whatever each has of its own, it has while it is idle.

  function received(this: RawConnection, { data }: { data?: string | Buffer }): void {
    const caller = callers.get(this)
    if (!caller) return
    if (!caller.entered) caller.bytes += data?.length ?? 0
    const tooMuch = !caller.entered && caller.bytes > strangersBytes
    if (tooMuch || !limits.packet(this, caller.address, data?.length ?? 0)) end(this)
  }

  function closed(this: RawConnection): void {
    const caller = callers.get(this)
    if (caller) limits.connections.closed(caller.address)
    callers.delete(this)
  }

  return {
    allowRequest,
    // Browsers leave Origin out of some requests to a page's own server, never out of those to another one.
    continues: (raw, { headers }) =>
      headers.origin === undefined || headers.origin === callers.get(raw)?.page,
    opened,
    attemptsOf: raw => callers.get(raw) ?? { address: 'unknown', made: 0, entered: false },
    admitted: socket => {
      const raw = socket.conn as unknown as EventEmitter & {
        request: unknown
        readonly transport: RawConnection['transport']
      }
      capMessages(raw.transport, packetCap)
      // Only for those who began by polling; for each of the others the listeners would be a good part of what is kept.
      if (raw.transport.name === 'polling') raw.on('upgrade', allowMore)
      // Headers, url and address of the first request are a good part of what an idle connection would hold.
      raw.request = null
      Object.assign(socket, spent)
      keepOnly(socket)
      if (raw.transport.socket) dropSpentListeners(raw, raw.transport, raw.transport.socket)
    },
  }
}

/** A connection of someone who is known goes on as a WebSocket. */
const allowMore = (transport: object) => capMessages(transport, packetCap)

/**
 * Shared by all sockets. Of the handshake: it has been read, and nobody asks again. For acknowledgements: a client is never asked for
 * one, so nobody waits here. Nor does anything stand between a socket and its commands. A test asserts that Socket.IO still names them so.
 */
const spent = {
  handshake: Object.freeze({
    ...{ headers: {}, auth: {}, query: {}, url: '', time: '', address: '' },
    ...{ issued: 0, secure: false, xdomain: false },
  }),
  acks: new Map<never, never>(),
  fns: [],
}

/**
 * Engine.IO listens for errors until its transport does, and then goes on listening; and it adds headers to the answers of polling,
 * which a WebSocket has none of.
 */
function dropSpentListeners(raw: EventEmitter, transport: EventEmitter, socket: WebSocket): void {
  transport.removeAllListeners('headers')
  for (const listener of socket.listeners('error') as (() => void)[])
    if (listener.name === 'onUpgradeError') socket.off('error', listener)
  for (const emitter of [raw, transport, socket]) listenPlainly(emitter)
}

/**
 * A listener for once is wrapped, which costs three times what it encloses; here each of them waits for what ends the connection, and
 * that comes once. And a table of listeners keeps the size that it had when there were most of them.
 */
function listenPlainly(emitter: EventEmitter): void {
  const heard = emitter.eventNames().map(event => ({ event, listeners: emitter.listeners(event) }))
  emitter.removeAllListeners()
  for (const { event, listeners } of heard)
    for (const listener of listeners) emitter.on(event, listener as (...about: unknown[]) => void)
}

/** At once: whoever floods would go on until they have read our goodbye. */
function end(raw: RawConnection): void {
  if (raw.transport.socket) raw.transport.socket.terminate()
  else raw.close(true)
}

/** The client's address as far as the proxies in front are believed. */
function addressOf(request: IncomingMessage, trustProxy: number): string {
  const own = request.socket.remoteAddress ?? ''
  if (trustProxy === 0) return own
  const forwarded = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map(part => part.trim())
    .filter(Boolean)
  return forwarded.at(-trustProxy) ?? own
}
