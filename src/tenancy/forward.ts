import type { z } from 'zod'
import type { Database } from '../db/index.ts'
import { isFromOurPage, type Method, type RequestHeaders } from '../http/index.ts'
import type { Origin } from '../kernel/index.ts'
import { type Accounts, authPath } from './accounts.ts'
import { toHeaders } from './doorkeeper.ts'
import { refusalOf } from './refusals.ts'

export interface ForwardParts {
  readonly accounts: Accounts
  readonly db: Database
  readonly publicUrl: string
}

interface Forwarded {
  readonly method: Method
  readonly path: `/${string}`
  readonly reply: z.ZodType
}

export interface ForwardedCall {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
  readonly headers: RequestHeaders
  readonly origin: Origin
}

/** Hands the checked request to better-auth and lets its answer pass; a refusal is put into our words. */
export async function forward(
  parts: ForwardParts,
  endpoint: Forwarded,
  call: ForwardedCall,
): Promise<Response> {
  const values = call.params as Record<string, string> | undefined
  const path = endpoint.path.replace(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(values?.[name] ?? ''),
  )
  const query = new URLSearchParams(call.query as Record<string, string> | undefined).toString()
  const headers = toHeaders(call.headers)
  headers.delete('content-length')
  // What counts as a page of ours is decided here; the library knows one name of this server only.
  const publicOrigin = new URL(parts.publicUrl).origin
  if (isFromOurPage(call.headers, publicOrigin)) headers.set('origin', publicOrigin)
  headers.set('x-parley-client-address', call.origin.ipAddress ?? '')
  const hasBody = endpoint.method !== 'get'
  if (hasBody) headers.set('content-type', 'application/json')
  const request = new Request(`${parts.publicUrl}${authPath}${path}${query ? `?${query}` : ''}`, {
    method: endpoint.method.toUpperCase(),
    headers,
    ...(hasBody ? { body: JSON.stringify(call.body ?? {}) } : {}),
  })
  const response = await parts.accounts.handle(request, endpoint.path, call.origin)
  if (response.status >= 400) throw await refusalOf(response, parts.db)
  return shaped(response, endpoint.reply)
}

/**
 * Of a finished answer only the fields that the endpoint declares: what else the library says differs between known and unknown
 * addresses. And the token in its signed form, the only one that is accepted: whoever reads the table of sessions cannot
 * use what stands there.
 */
async function shaped(response: Response, reply: z.ZodType): Promise<Response> {
  const signed = response.headers.get('set-auth-token')
  const headers = new Headers(response.headers)
  for (const name of ['set-auth-token', 'access-control-expose-headers', 'content-length'])
    headers.delete(name)
  const text = await response.text()
  if (!text.startsWith('{')) return new Response(text || null, { status: response.status, headers })
  const said: Record<string, unknown> = JSON.parse(text)
  const token = signed !== null && 'token' in said ? { token: decodeURIComponent(signed) } : {}
  const answer = reply.parse({ ...said, ...token })
  return new Response(JSON.stringify(answer), { status: response.status, headers })
}
