import { and, eq, gt, inArray, isNull, or, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { apiKeys, authSessions, customRoles, members, roleAssignments, tenants } from './schema.ts'

export const readStandings = (tx: Transaction, scope: Scope, memberIds: readonly string[]) =>
  tx.sql
    .select({
      id: members.id,
      role: members.role,
      status: members.status,
      tenantStatus: tenants.status,
      grants: sql<string[]>`coalesce((
        select array_agg(distinct granted) from ${roleAssignments} a
        join ${customRoles} r on r.tenant_id = a.tenant_id and r.id = a.role_id, unnest(r.permissions) as granted
        where a.tenant_id = ${members.tenantId} and a.member_id = ${members.id}), '{}')`,
    })
    .from(members)
    .innerJoin(tenants, eq(tenants.id, members.tenantId))
    .where(and(eq(members.tenantId, scope.tenantId), inArray(members.id, [...memberIds])))

/** Those of them who are active members, and stay it until this transaction is over. */
export async function keepActive(
  tx: Transaction,
  tenantId: string,
  memberIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (memberIds.length === 0) return new Set()
  const rows = await tx.sql
    .select({ id: members.id })
    .from(members)
    .where(
      and(eq(members.tenantId, tenantId), eq(members.status, 'active'), inArray(members.id, [...memberIds])),
    )
    .orderBy(members.id)
    .for('share')
  return new Set(rows.map(({ id }) => id))
}

export const readLiveKeys = (tx: Transaction, scope: Scope, keyIds: readonly string[]) =>
  tx.sql
    .select({ id: apiKeys.id, permissions: apiKeys.permissions })
    .from(apiKeys)
    .innerJoin(tenants, and(eq(tenants.id, apiKeys.tenantId), eq(tenants.status, 'active')))
    .where(
      and(
        eq(apiKeys.tenantId, scope.tenantId),
        inArray(apiKeys.id, [...keyIds]),
        isNull(apiKeys.revokedAt),
        or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, sql`now()`)),
      ),
    )

export async function readTenantStatus(tx: Transaction, scope: Scope): Promise<string | undefined> {
  const [row] = await tx.sql
    .select({ status: tenants.status })
    .from(tenants)
    .where(eq(tenants.id, scope.tenantId))
  return row?.status
}

export const readLiveSessions = (tx: Transaction, sessionIds: readonly string[]) =>
  tx.sql
    .select({ id: authSessions.id })
    .from(authSessions)
    .where(and(inArray(authSessions.id, [...sessionIds]), gt(authSessions.expiresAt, sql`now()`)))
