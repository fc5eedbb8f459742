import { type LookupAddress, lookup as lookUp } from 'node:dns'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { promisify } from 'node:util'
import { version } from '../kernel/index.ts'
import type { AllowList } from './allowList.ts'
import { type OutgoingLimits, responseOf, type Watch } from './outgoingBody.ts'
import { OutgoingError, outgoingErrorOf } from './outgoingError.ts'
import { isPublic } from './publicAddress.ts'

export type OutgoingRequest = Pick<RequestInit, 'method' | 'headers' | 'body' | 'redirect' | 'signal'> & {
  readonly limits?: Partial<OutgoingLimits>
}

/**
 * `fetch` for addresses that tenants choose (S5). What goes wrong is an `OutgoingError`.
 *
 * - Only http and https, without a login in the address, at the ports 80 and 443, and only to public addresses. A host is refused if any of its
 *   addresses is not public.
 * - The addresses that are checked are those that are connected to: a name cannot lead elsewhere in between.
 * - Each redirect is checked like the first address. To another origin, it takes along no headers but harmless ones.
 * - What the operator allows by OUTGOING_ALLOWED may be private, and at any port.
 * - The body is given out as it comes, decompressed, and ends in an error beyond `maxBytes` of either form; so does everything
 *   after `totalMs`. Both count over all redirects. Whoever does not read the body to its end, cancels it.
 */
export interface Outgoing {
  /** Why this address would be refused, as far as can be said without looking up its name. */
  refusal(address: string): string | undefined
  fetch(address: string | URL, request?: OutgoingRequest): Promise<Response>
}

/** All addresses of a host. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

const resolveBySystem: Resolve = host => promisify(lookUp)(host, { all: true })

const usualLimits: OutgoingLimits = { maxBytes: 10 * 1024 * 1024, totalMs: 30_000, maxRedirects: 5 }

export function createOutgoing(allowed: AllowList, resolve: Resolve = resolveBySystem): Outgoing {
  return {
    refusal(address) {
      try {
        connecting(checkedUrl(address), allowed, resolve)
        return undefined
      } catch (error) {
        if (error instanceof OutgoingError) return error.message
        throw error
      }
    },
    async fetch(address, request = {}) {
      const limits = { ...usualLimits, ...request.limits }
      const watch = startWatch(limits.totalMs, request.signal ?? undefined)
      try {
        let hop = await firstHop(checkedUrl(address), request)
        for (let redirects = 0; ; redirects++) {
          const message = await send(hop, connecting(hop.url, allowed, resolve), watch.signal)
          const target = targetOf(message, hop.url, request.redirect)
          if (!target) return responseOf(message, { ...hop, redirected: redirects > 0 }, limits, watch)
          message.destroy()
          if (redirects >= limits.maxRedirects)
            throw new OutgoingError('too_many_redirects', 'The address redirects too often.')
          hop = nextHop(hop, checkedUrl(target), message.statusCode)
        }
      } catch (error) {
        watch.end()
        throw outgoingErrorOf(error, watch.signal)
      }
    },
  }
}

/** One request on the way to the answer. */
interface Hop {
  readonly url: URL
  readonly method: string
  readonly headers: Headers
  readonly body: Buffer | undefined
}

/** Parsing has brought all ways to write an address (decimal, octal, short, wide characters) into the usual one. */
function checkedUrl(address: string | URL): URL {
  if (!URL.canParse(String(address))) throw new OutgoingError('invalid_url', 'This is not an address.')
  const url = new URL(address)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new OutgoingError('invalid_url', 'The address must begin with http:// or https://.')
  if (url.username || url.password)
    throw new OutgoingError('invalid_url', 'The address must not contain a login.')
  return url
}

/** Of the transport; they are set here and by nobody else. */
const ours = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
]
/** Another origin hears no more of what was meant for the first. */
const harmless = ['accept', 'accept-language', 'content-type', 'user-agent', 'accept-encoding']

async function firstHop(
  url: URL,
  { method = 'GET', headers: given, body: content }: OutgoingRequest,
): Promise<Hop> {
  const headers = new Headers(given)
  for (const name of ours) headers.delete(name)
  if (!headers.has('user-agent')) headers.set('user-agent', `Parley/${version}`)
  headers.set('accept-encoding', 'gzip, br')
  if (content === undefined || content === null)
    return { url, method: method.toUpperCase(), headers, body: undefined }
  const wrapped = new Response(content)
  const type = wrapped.headers.get('content-type')
  if (type && !headers.has('content-type')) headers.set('content-type', type)
  return { url, method: method.toUpperCase(), headers, body: Buffer.from(await wrapped.arrayBuffer()) }
}

function nextHop({ url: from, method, headers, body }: Hop, url: URL, status: number | undefined): Hop {
  const kept = new Headers(
    url.origin === from.origin ? headers : [...headers].filter(([name]) => harmless.includes(name)),
  )
  const becomesGet =
    status === 303 ? method !== 'HEAD' : (status === 301 || status === 302) && method === 'POST'
  if (!becomesGet) return { url, method, headers: kept, body }
  kept.delete('content-type')
  return { url, method: 'GET', headers: kept, body: undefined }
}

function targetOf(
  message: IncomingMessage,
  from: URL,
  mode: OutgoingRequest['redirect'] = 'follow',
): string | undefined {
  const { statusCode = 0, headers } = message
  if (![301, 302, 303, 307, 308].includes(statusCode) || mode === 'manual') return undefined
  const { location } = headers
  if (location === undefined) return undefined
  if (mode === 'error') {
    message.destroy()
    throw new OutgoingError('too_many_redirects', 'The address redirects, which is not allowed here.')
  }
  if (!URL.canParse(location, from.href))
    throw new OutgoingError('invalid_url', 'It redirects to what is not an address.')
  return new URL(location, from.href).href
}

/** Refuses, or tells how to connect: by names that are checked in the moment they are resolved for the connection itself. */
function connecting(url: URL, allowed: AllowList, resolve: Resolve): LookupFunction {
  const host = url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
  const check = (addresses: readonly string[]) => {
    if (allowed.hasHost(host) || addresses.every(address => allowed.hasAddress(address))) return
    if (addresses.some(address => !isPublic(address) && !allowed.hasAddress(address)))
      throw new OutgoingError('address_refused', 'This address is not public.')
    if (url.port !== '') throw new OutgoingError('address_refused', 'Only the ports 80 and 443 are allowed.')
  }
  // Of an address no name is looked up, so nobody would ask below.
  if (isIP(host) !== 0) check([host])
  return (_host, options, done) => {
    resolve(host)
      .then(found => {
        const [first] = found
        if (!first) throw new OutgoingError('unresolved', 'There is no such host.')
        check(found.map(({ address }) => address))
        if (options.all) done(null, [...found])
        else done(null, first.address, first.family)
      })
      .catch(error => done(error, []))
  }
}

/** Each request has a connection of its own, so that none is used that was checked under another name. */
const send = ({ url, method, headers, body }: Hop, lookup: LookupFunction, signal: AbortSignal) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const request = url.protocol === 'https:' ? tlsRequest : plainRequest
    const options = { method, headers: Object.fromEntries(headers), lookup, signal, agent: false as const }
    const sending = request(url, options, resolve)
    sending.on('error', reject)
    sending.end(body)
  })

/** One clock for everything until the body's end. */
function startWatch(totalMs: number, asked: AbortSignal | undefined): Watch {
  const controller = new AbortController()
  const expire = () =>
    controller.abort(new OutgoingError('timeout', `There was no whole answer within ${totalMs} ms.`))
  const giveUp = () => controller.abort(new OutgoingError('aborted', 'The request was given up.'))
  const timer = setTimeout(expire, totalMs)
  if (asked?.aborted) giveUp()
  else asked?.addEventListener('abort', giveUp, { once: true })
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer)
      asked?.removeEventListener('abort', giveUp)
    },
  }
}
