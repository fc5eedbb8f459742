import type { Database } from '../db/index.ts'
import type { Doorkeeper, RequestHeaders } from '../http/index.ts'
import {
  hashToken,
  knownPermissions,
  type Origin,
  ParleyError,
  permissionsOf,
  type Scope,
  systemScope,
  tenantOfToken,
} from '../kernel/index.ts'
import { keyByHash, touchKey } from './accessStore.ts'
import { type Accounts, sessionCookie } from './accounts.ts'
import { membershipsOf } from './peopleStore.ts'

export const keyPrefix = 'parley'

type Membership = Awaited<ReturnType<typeof membershipsOf>>[number]

/** One Scope from every kind of credential: session cookie, session token as bearer, API key. */
export function createDoorkeeper({ db, accounts }: { db: Database; accounts: Accounts }): Doorkeeper {
  async function identify(headers: RequestHeaders, origin: Origin) {
    const identity = await accounts.identify(toHeaders(headers), origin)
    if (!identity) {
      const key = bearerOf(headers)?.startsWith(`${keyPrefix}_`) ?? false
      throw new ParleyError(
        'unauthenticated',
        key ? 'An API key does not stand for a person. Sign in.' : undefined,
      )
    }
    return identity
  }

  async function admitMember(headers: RequestHeaders, origin: Origin): Promise<Scope> {
    const identity = await identify(headers, origin)
    const memberships = await db.identity(identity.userId, tx => membershipsOf(tx, identity.userId))
    const membership = choose(memberships, headerOf(headers, 'parley-tenant'))
    if (membership.status !== 'active') throw new ParleyError('forbidden', 'Your membership is not active.')
    refuseClosedTenant(membership.tenantStatus)
    const { tenantId, memberId, role } = membership
    return {
      tenantId,
      actor: { kind: 'member', memberId, userId: identity.userId, role, sessionId: identity.sessionId },
      permissions: new Set([...permissionsOf(role), ...knownPermissions(membership.grants)]),
      origin,
    }
  }

  async function admitKey(key: string, origin: Origin): Promise<Scope> {
    const tenantId = tenantOfToken(keyPrefix, key)
    if (tenantId === undefined) throw new ParleyError('unauthenticated', 'This is not an API key.')
    const lookup = systemScope(tenantId, 'doorkeeper', origin)
    const row = await db.scoped(lookup, async tx => {
      const found = await keyByHash(tx, lookup, hashToken(key))
      if (found && isUsable(found.key)) await touchKey(tx, lookup, found.key.id)
      return found
    })
    if (!row || !isUsable(row.key))
      throw new ParleyError('unauthenticated', 'The API key is unknown, expired or revoked.')
    refuseClosedTenant(row.tenantStatus)
    return {
      tenantId,
      actor: { kind: 'api_key', keyId: row.key.id },
      permissions: new Set(knownPermissions(row.key.permissions)),
      origin,
    }
  }

  return {
    identify,
    admit: async (headers, origin) => {
      const key = bearerOf(headers)
      return key?.startsWith(`${keyPrefix}_`) ? admitKey(key, origin) : admitMember(headers, origin)
    },
    // Also beside an Authorization header: a browser adds one by itself behind a proxy that asks for a password, and a bearer token
    // that is none leaves the cookie in force. Only an API key decides alone.
    usesCookie: headers =>
      !bearerOf(headers)?.startsWith(`${keyPrefix}_`) &&
      (headerOf(headers, 'cookie') ?? '').includes(sessionCookie),
  }
}

function choose(memberships: readonly Membership[], wanted: string | undefined): Membership {
  if (wanted !== undefined) {
    const named = memberships.find(
      ({ tenantId, slug }) => tenantId === wanted.toLowerCase() || slug === wanted,
    )
    // The same answer for a workspace of others and for one that does not exist.
    if (!named) throw new ParleyError('forbidden', 'You are not a member of that workspace.')
    return named
  }
  const [first, second] = memberships
  if (!first) throw new ParleyError('forbidden', 'You belong to no workspace yet.')
  if (second) {
    throw new ParleyError('invalid_request', undefined, {
      faults: [{ path: 'Parley-Tenant', message: 'names the workspace; you belong to several' }],
    })
  }
  return first
}

export function refuseClosedTenant(status: string): void {
  if (status === 'suspended') throw new ParleyError('tenant_suspended')
  if (status !== 'active') throw new ParleyError('unauthenticated', 'This workspace is closed.')
}

const isUsable = (key: { revokedAt: Date | null; expiresAt: Date | null }): boolean =>
  key.revokedAt === null && (key.expiresAt === null || key.expiresAt.getTime() > Date.now())

function headerOf(headers: RequestHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

const bearerOf = (headers: RequestHeaders): string | undefined =>
  /^Bearer\s+(\S+)$/i.exec(headerOf(headers, 'authorization') ?? '')?.[1]

export function toHeaders(headers: RequestHeaders): Headers {
  const result = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) result.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  return result
}
