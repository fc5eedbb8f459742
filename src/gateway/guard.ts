import type { IncomingMessage } from 'node:http'
import type { Socket } from 'socket.io'
import { type Log, networkOf } from '../kernel/index.ts'
import { capMessages } from './frugalWebSockets.ts'
import type { Doors } from './handshake.ts'
import type { Limits } from './limits.ts'
import { TokenBucket } from './tokenBucket.ts'

interface GuardParts {
  readonly doors: Doors
  readonly limits: Limits
  readonly log: Log
  readonly publicOrigin: string
  readonly trustProxy: number
  readonly draining: () => boolean
  /** Of one connection, of any kind; those that are commands are counted again, and answered, in the pipeline. */
  readonly packetsPerSecond: number
}

/** Engine.IO's connection, below the namespaces. */
export interface RawConnection {
  request: IncomingMessage
  readonly transport: { readonly socket?: { terminate(): void } }
  close(discard?: boolean): void
  on(event: 'packet', listener: (packet: { data?: string | Buffer }) => void): void
  on(event: 'upgrading' | 'upgrade', listener: (transport: object) => void): void
  once(event: 'close', listener: () => void): void
}

/** What a connection may send before anyone knows who it is (S4). */
const strangersBytes = 16 * 1024

/** Ten parts of 8,000 characters, escaped; larger packets end the connection. */
export const packetCap = 512 * 1024

export interface Guard {
  /** Engine.IO asks before it takes a connection. */
  readonly allowRequest: (
    request: IncomingMessage,
    done: (refusal: string | null | undefined, ok: boolean) => void,
  ) => void
  /** Whether a later request comes from the page that opened the connection. Its id stands in addresses, and so in their logs. */
  readonly continues: (raw: object, request: IncomingMessage) => boolean
  readonly opened: (raw: RawConnection) => void
  readonly admitted: (socket: Socket) => void
}

/** Everything that is refused before a namespace is asked: wrong pages, too many connections, floods. */
export function guardConnections(parts: GuardParts): Guard {
  const { doors, limits, log, draining, packetsPerSecond } = parts
  const known = new WeakSet<object>()
  const pages = new WeakMap<object, string>()

  const allowRequest: Guard['allowRequest'] = (request, done) => {
    const query = new URL(request.url ?? '/', 'http://any').searchParams
    // Engine.IO asks for first requests alone. What it takes for one is its matter: an empty `sid` in the query is no way around.
    if (draining()) return done('draining', false)
    request.parleyAddress = addressOf(request, parts.trustProxy)
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
    if (!limits.opened(address)) {
      end(raw)
      return
    }
    const { origin } = raw.request.headers
    if (origin !== undefined) pages.set(raw, origin)
    const capStrangers = (transport: object) =>
      capMessages(transport, known.has(raw) ? packetCap : strangersBytes)
    capStrangers(raw.transport)
    raw.on('upgrading', capStrangers)
    raw.on('upgrade', capStrangers)
    const packets = new TokenBucket(packetsPerSecond, packetsPerSecond * 2)
    let bytes = 0
    raw.on('packet', ({ data }) => {
      if (!known.has(raw)) bytes += data?.length ?? 0
      if (bytes > strangersBytes || packets.take() > 0) {
        bytes = 0
        end(raw)
      } else if (known.has(raw)) bytes = 0
    })
    raw.once('close', () => limits.closed(address))
  }

  return {
    allowRequest,
    // Browsers leave Origin out of some requests to a page's own server, never out of those to another one.
    continues: (raw, { headers }) => headers.origin === undefined || headers.origin === pages.get(raw),
    opened,
    admitted: socket => {
      known.add(socket.conn)
      capMessages(socket.conn.transport, packetCap)
      // Headers, url and address of the first request are a good part of what an idle connection would hold.
      const raw = socket.conn as unknown as { request: unknown; transport: { req?: unknown } }
      raw.request = null
      Object.assign(socket, { handshake: spent })
    },
  }
}

/** What remains of every handshake: it has been read, and nobody asks again. */
const spent = Object.freeze({
  ...{ headers: {}, auth: {}, query: {}, url: '', time: '', address: '' },
  ...{ issued: 0, secure: false, xdomain: false },
})

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
