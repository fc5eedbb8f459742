import type { Database, Transaction } from '../db/index.ts'
import { knownPermissions, permissionsOf, type Scope, systemScope } from '../kernel/index.ts'
import { refuseClosedTenant } from './doorkeeper.ts'
import { readLiveKeys, readLiveSessions, readStandings, readTenantStatus } from './standingStore.ts'

/**
 * Of scopes that were given out a while ago, those that would not be given out like that any more: the session ended, the key was revoked,
 * the member left or has other permissions now, the workspace is closed. A few queries for all of them.
 */
export type Outdated = 'unauthenticated' | 'permissions_changed' | 'tenant_suspended'

export async function outdatedScopes(
  db: Database,
  scopes: readonly Scope[],
  /** Those of them whose session has ended, where that is known. */
  ended?: readonly Scope[],
): Promise<Map<Scope, Outdated>> {
  const outdated = new Map<Scope, Outdated>()
  const checked = scopes.filter(({ actor }) => actor.kind === 'member' || actor.kind === 'api_key')
  for (const scope of ended ?? (await withEndedSession(db, checked))) outdated.set(scope, 'unauthenticated')
  for (const [tenantId, ofTenant] of Map.groupBy(checked, scope => scope.tenantId)) {
    const { suspended, current } = await currentPermissions(db, tenantId, ofTenant)
    for (const scope of ofTenant) {
      const now = current.get(idOf(scope))
      const same = now?.size === scope.permissions.size && [...scope.permissions].every(one => now.has(one))
      if (suspended) outdated.set(scope, 'tenant_suspended')
      else if (!same && !outdated.has(scope))
        outdated.set(scope, now ? 'permissions_changed' : 'unauthenticated')
    }
  }
  return outdated
}

/** For those who come in without an account: throws where the workspace is suspended or closed. */
export const requireOpenTenant = async (tx: Transaction, scope: Scope): Promise<void> =>
  refuseClosedTenant((await readTenantStatus(tx, scope)) ?? 'gone')

function idOf({ actor }: Scope): string {
  if (actor.kind === 'member') return actor.memberId
  return actor.kind === 'api_key' ? actor.keyId : ''
}

async function currentPermissions(
  db: Database,
  tenantId: string,
  scopes: readonly Scope[],
): Promise<{ suspended: boolean; current: Map<string, ReadonlySet<string>> }> {
  const idsOf = (kind: 'member' | 'api_key') =>
    scopes.filter(({ actor }) => actor.kind === kind).map(scope => idOf(scope))
  const [members, keys] = [idsOf('member'), idsOf('api_key')]
  const lookup = systemScope(tenantId, 'doorkeeper')
  const current = new Map<string, ReadonlySet<string>>()
  const suspended = await db.scoped(lookup, async tx => {
    for (const { id, role, grants, status, tenantStatus } of members.length > 0
      ? await readStandings(tx, lookup, members)
      : [])
      if (status === 'active' && tenantStatus === 'active')
        current.set(id, new Set([...permissionsOf(role), ...knownPermissions(grants)]))
    for (const { id, permissions } of keys.length > 0 ? await readLiveKeys(tx, lookup, keys) : [])
      current.set(id, new Set(knownPermissions(permissions)))
    return (await readTenantStatus(tx, lookup)) === 'suspended'
  })
  return { suspended, current }
}

/** Sessions belong to people, not to workspaces: one query for everybody. */
export async function withEndedSession(db: Database, scopes: readonly Scope[]): Promise<Scope[]> {
  const sessionOf = ({ actor }: Scope) => (actor.kind === 'member' ? actor.sessionId : undefined)
  const ids = [...new Set(scopes.map(sessionOf).filter(id => id !== undefined))]
  if (ids.length === 0) return []
  const rows = await db.identity(null, tx => readLiveSessions(tx, ids))
  const live = new Set(rows.map(({ id }) => id))
  return scopes.filter(scope => {
    const id = sessionOf(scope)
    return id !== undefined && !live.has(id)
  })
}
