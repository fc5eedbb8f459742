import type { Database } from '../db/index.ts'
import { knownPermissions, permissionsOf, type Scope, systemScope } from '../kernel/index.ts'
import { readLiveKeys, readLiveSessions, readStandings } from './standingStore.ts'

/**
 * Of scopes that were given out a while ago, those that would not be given out like that any more: the session ended, the key was revoked,
 * the member left or has other permissions now, the workspace is closed. A few queries for all of them.
 */
export async function outdatedScopes(
  db: Database,
  scopes: readonly Scope[],
): Promise<Map<Scope, 'unauthenticated' | 'permissions_changed'>> {
  const outdated = new Map<Scope, 'unauthenticated' | 'permissions_changed'>()
  const checked = scopes.filter(({ actor }) => actor.kind === 'member' || actor.kind === 'api_key')
  const byTenant = Map.groupBy(checked, ({ tenantId }) => tenantId)
  for (const [tenantId, ofTenant] of byTenant) {
    const current = await currentPermissions(db, tenantId, ofTenant)
    for (const scope of ofTenant) {
      const now = current.get(idOf(scope))
      const same = now?.size === scope.permissions.size && [...scope.permissions].every(one => now.has(one))
      if (!same) outdated.set(scope, now ? 'permissions_changed' : 'unauthenticated')
    }
  }
  for (const scope of await withEndedSession(db, checked)) outdated.set(scope, 'unauthenticated')
  return outdated
}

function idOf({ actor }: Scope): string {
  if (actor.kind === 'member') return actor.memberId
  return actor.kind === 'api_key' ? actor.keyId : ''
}

async function currentPermissions(
  db: Database,
  tenantId: string,
  scopes: readonly Scope[],
): Promise<Map<string, ReadonlySet<string>>> {
  const idsOf = (kind: 'member' | 'api_key') =>
    scopes.filter(({ actor }) => actor.kind === kind).map(scope => idOf(scope))
  const [members, keys] = [idsOf('member'), idsOf('api_key')]
  const lookup = systemScope(tenantId, 'doorkeeper')
  const current = new Map<string, ReadonlySet<string>>()
  await db.scoped(lookup, async tx => {
    for (const { id, role, grants, status, tenantStatus } of members.length > 0
      ? await readStandings(tx, lookup, members)
      : [])
      if (status === 'active' && tenantStatus === 'active')
        current.set(id, new Set([...permissionsOf(role), ...knownPermissions(grants)]))
    for (const { id, permissions } of keys.length > 0 ? await readLiveKeys(tx, lookup, keys) : [])
      current.set(id, new Set(knownPermissions(permissions)))
  })
  return current
}

async function withEndedSession(db: Database, scopes: readonly Scope[]): Promise<Scope[]> {
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
