import type { Request as ExpressRequest, Response as ExpressResponse, RequestHandler } from 'express'
import { z } from 'zod'
import type { Database } from '../db/index.ts'
import {
  faultsOf,
  type Origin,
  ParleyError,
  plainWords,
  requirePermission,
  type Vault,
} from '../kernel/index.ts'
import type { Fault } from '../protocol/index.ts'
import type { Doorkeeper, RequestHeaders } from './call.ts'
import { fingerprintOf, idempotencyKeyField, once } from './idempotency.ts'
import { markCursor, unmarkCursor } from './page.ts'
import { requestIdOf } from './problems.ts'
import { relay } from './relay.ts'
import { type Repeat, Replayed, type Route, type RouteCall } from './route.ts'
import { uploadOf } from './upload.ts'

export interface ServeParts {
  readonly db: Database
  readonly doorkeeper: Doorkeeper
  readonly vault: Vault
  /** The origin of our own pages; a cookie is honoured for changes only from there. */
  readonly publicOrigin: string
}

export const originOf = (request: ExpressRequest, response: ExpressResponse): Origin => ({
  requestId: requestIdOf(response),
  ipAddress: request.ip ?? null,
  userAgent: request.get('user-agent')?.slice(0, 500) ?? null,
})

/** The one way a route runs: who → may they → is it well formed → do it → answer with what the route declares. */
export function serveRoute(route: Route, parts: ServeParts): RequestHandler {
  return async (request, response) => {
    const origin = originOf(request, response)
    refuseForeignPages(request, parts)
    const run = await authorise(route, request, origin, parts)
    const idempotencyKey = readIdempotencyKey(request)
    const input = {
      ...parseInput(route, request),
      ...{ origin, headers: request.headers },
      upload: route.accepts && uploadOf(request),
    }
    const answer = await run(input, {
      key: route.idempotent ? idempotencyKey : undefined,
      fingerprint: fingerprintOf(request.method, request.path, input.body),
    })
    if (answer.replayed) response.set('Idempotent-Replayed', 'true')
    if (answer.body instanceof Response) await relay(answer.body, request, response)
    else sendReply(route, response, answer.body)
  }
}

type Run = (call: RouteCall, repeat: Repeat) => Promise<{ body: unknown; replayed: boolean }>

/** Checks the credential before anything of the request is looked at, and returns how to run the handler for it. */
async function authorise(
  route: Route,
  request: ExpressRequest,
  origin: Origin,
  parts: ServeParts,
): Promise<Run> {
  const { access } = route
  const plainly = async (call: RouteCall) => {
    const answer = await route.handle(call)
    const replayed = answer instanceof Replayed
    return { body: shape(route, replayed ? answer.body : answer), replayed }
  }
  if (access.kind === 'public') return plainly
  if (access.kind === 'tenant') {
    const scope = await parts.doorkeeper.admit(request.headers, origin)
    requirePermission(scope, access.permission)
    if (route.accepts || route.ownTransactions) return (call, repeat) => plainly({ ...call, scope, repeat })
    return (call, repeat) =>
      parts.db.scoped(scope, async tx => {
        // Shaped before the commit: an answer that cannot be given must not stand for a change that was made.
        const work = async () => shape(route, await route.handle({ ...call, scope, tx }))
        if (repeat.key === undefined) return { body: await work(), replayed: false }
        const { key, fingerprint } = repeat
        return once(scope, tx, parts.vault, { key, fingerprint, status: statusOf(route) }, work)
      })
  }
  const identity = await parts.doorkeeper.identify(request.headers, origin)
  if (access.kind === 'master_admin' && !identity.masterAdmin) {
    throw new ParleyError('forbidden', 'Only a master admin may do that.')
  }
  return (call, repeat) => plainly({ ...call, identity, repeat })
}

function parseInput(route: Route, request: ExpressRequest) {
  const faults: Fault[] = []
  const read = (schema: z.ZodType | undefined, value: unknown, empty: unknown) => {
    if (!schema) {
      const leftover = z.strictObject({}).safeParse(value ?? empty, { error: plainWords })
      if (!leftover.success) faults.push(...faultsOf(leftover.error))
      return undefined
    }
    const parsed = schema.safeParse(value ?? empty, { error: plainWords })
    if (parsed.success) return parsed.data
    faults.push(...faultsOf(parsed.error))
    return undefined
  }
  const params = read(route.params, request.params, {})
  const asked = read(route.query, { ...request.query }, {})
  const { query, fault } = isList(route) ? unmarkCursor(route.path, asked) : { query: asked }
  if (fault) faults.push(fault)
  if (route.body && request.body === undefined && bringsBody(request)) {
    throw new ParleyError('unsupported_media_type', 'Send the body as application/json.')
  }
  const body = route.accepts ? undefined : read(route.body, request.body, {})
  if (faults.length > 0) throw new ParleyError('invalid_request', undefined, { faults })
  return { params, query, body }
}

/** Also one without a Content-Type: to ignore it would answer as if it had been read. */
const bringsBody = (request: ExpressRequest): boolean =>
  request.get('transfer-encoding') !== undefined || Number(request.get('content-length') ?? 0) > 0

const statusOf = (route: Route): number => route.status ?? (route.reply ? 200 : 204)

function sendReply(route: Route, response: ExpressResponse, body: unknown): void {
  if (!route.reply) {
    response.status(204).end()
    return
  }
  response.status(statusOf(route)).json(body)
}

/** Through JSON first, so that the schema sees what the wire carries; it keeps only the fields that the route declares. */
function shape(route: Route, body: unknown): unknown {
  if (!route.reply || body instanceof Response) return body
  const said = route.reply.parse(JSON.parse(JSON.stringify(body)))
  return isList(route) ? markCursor(route.path, said) : said
}

const isList = ({ reply }: Route): boolean => reply instanceof z.ZodObject && 'nextCursor' in reply.shape

function readIdempotencyKey(request: ExpressRequest): string | undefined {
  const given = request.get('idempotency-key')
  if (given === undefined) return undefined
  const parsed = idempotencyKeyField.safeParse(given)
  if (!parsed.success) {
    throw new ParleyError('invalid_request', undefined, { faults: faultsOf(parsed.error, 'Idempotency-Key') })
  }
  return parsed.data
}

/** Browsers attach cookies to what other sites make them send. A change by cookie must come from a page of ours. */
export function refuseForeignPages(
  request: ExpressRequest,
  parts: Pick<ServeParts, 'doorkeeper' | 'publicOrigin'>,
): void {
  if (request.method === 'GET' || request.method === 'HEAD' || !parts.doorkeeper.usesCookie(request.headers))
    return
  if (!isFromOurPage(request.headers, parts.publicOrigin))
    throw new ParleyError('forbidden', 'A session cookie is not honoured for requests from another site.')
}

/** Whether a request comes from a page of this server, under whatever name the browser reached it, or from no page at all. */
export function isFromOurPage(headers: RequestHeaders, publicOrigin: string): boolean {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  if (origin === undefined) return site === undefined || site === 'same-origin' || site === 'none'
  return origin === publicOrigin || (URL.canParse(origin) && new URL(origin).host === host)
}
