import { and, desc, eq, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import { authSessions, customRoles, members, roleAssignments, tenants, users } from './schema.ts'

/** SQL on a person's own rows, run as parley_identity: before a tenant is chosen, or beside it. */

export async function touchLogin(tx: Transaction, userId: string): Promise<void> {
  await tx.sql.update(users).set({ lastLoginAt: new Date() }).where(eq(users.id, userId))
}

/** Where a person belongs, with everything an admission needs to know. */
export const membershipsOf = (tx: Transaction, userId: string) =>
  tx.sql
    .select({
      tenantId: members.tenantId,
      memberId: members.id,
      role: members.role,
      status: members.status,
      tenantName: tenants.name,
      slug: tenants.slug,
      tenantStatus: tenants.status,
      grants: sql<string[]>`coalesce((
        select array_agg(distinct granted)
        from ${roleAssignments} a
        join ${customRoles} r on r.tenant_id = a.tenant_id and r.id = a.role_id, unnest(r.permissions) as granted
        where a.tenant_id = ${members.tenantId} and a.member_id = ${members.id}), '{}')`,
    })
    .from(members)
    .innerJoin(tenants, eq(tenants.id, members.tenantId))
    .where(eq(members.userId, userId))
    .orderBy(members.id)

export const sessionsOf = (tx: Transaction, userId: string) =>
  tx.sql
    .select({
      id: authSessions.id,
      ipAddress: authSessions.ipAddress,
      userAgent: authSessions.userAgent,
      createdAt: authSessions.createdAt,
      lastUsedAt: authSessions.updatedAt,
      expiresAt: authSessions.expiresAt,
    })
    .from(authSessions)
    .where(and(eq(authSessions.userId, userId), sql`${authSessions.expiresAt} > now()`))
    .orderBy(desc(authSessions.id))

export const deleteSession = (tx: Transaction, userId: string, sessionId: string) =>
  tx.sql
    .delete(authSessions)
    .where(and(eq(authSessions.userId, userId), eq(authSessions.id, sessionId)))
    .returning({ id: authSessions.id })

export const deleteOtherSessions = (tx: Transaction, userId: string, keep: string) =>
  tx.sql
    .delete(authSessions)
    .where(and(eq(authSessions.userId, userId), sql`${authSessions.id} <> ${keep}`))
    .returning({ id: authSessions.id })
