import { and, desc, eq, lt, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import { found } from '../kernel/index.ts'
import {
  authSessions,
  customRoles,
  foundingKeys,
  members,
  roleAssignments,
  spentCodes,
  tenants,
  users,
} from './schema.ts'

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

const aDayAgo = sql`now() - interval '1 day'`

/**
 * The id of the workspace that this key makes: `fresh`, unless the key has reserved another one within a day. One statement, so two
 * requests at once learn the same. A reservation ends by its age and not with its row: it must not outlive the key that is kept in
 * the tenant, which is younger.
 */
export async function reserveTenant(
  tx: Transaction,
  place: { readonly userId: string; readonly key: string },
  fresh: string,
): Promise<string> {
  const expired = sql`${foundingKeys.createdAt} < ${aDayAgo}`
  const [row] = await tx.sql
    .insert(foundingKeys)
    .values({ ...place, reserved: fresh })
    .onConflictDoUpdate({
      target: [foundingKeys.userId, foundingKeys.key],
      set: {
        reserved: sql`case when ${expired} then excluded.reserved else ${foundingKeys.reserved} end`,
        createdAt: sql`case when ${expired} then excluded.created_at else ${foundingKeys.createdAt} end`,
      },
    })
    .returning({ reserved: foundingKeys.reserved })
  return found(row, 'reservation').reserved
}

export const forgetFoundingKeys = (tx: Transaction) =>
  tx.sql.delete(foundingKeys).where(lt(foundingKeys.createdAt, aDayAgo))

/** Longer than a code is accepted: its own half minute, and one before and after. */
const staleCode = lt(spentCodes.createdAt, sql`now() - interval '5 minutes'`)

/** Whether the code was unspent; now it is spent. */
export async function spendCode(tx: Transaction, userId: string, digest: string): Promise<boolean> {
  await tx.sql.delete(spentCodes).where(and(eq(spentCodes.userId, userId), staleCode))
  const inserted = await tx.sql
    .insert(spentCodes)
    .values({ userId, digest })
    .onConflictDoNothing()
    .returning({ digest: spentCodes.digest })
  return inserted.length > 0
}

export const forgetSpentCodes = (tx: Transaction) => tx.sql.delete(spentCodes).where(staleCode)
