import { and, desc, eq, isNull, lt, or, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { apiKeys, customRoles, roleAssignments, tenants } from './schema.ts'
import type { Page } from './store.ts'

/** SQL on what gives access beside a membership: keys and custom roles. */

export type KeyRow = typeof apiKeys.$inferSelect
export type RoleRow = typeof customRoles.$inferSelect

// keys

export const listKeys = (tx: Transaction, scope: Scope, page: Page) =>
  tx.sql
    .select()
    .from(apiKeys)
    .where(
      and(
        eq(apiKeys.tenantId, scope.tenantId),
        page.after === undefined ? undefined : lt(apiKeys.id, page.after),
      ),
    )
    .orderBy(desc(apiKeys.id))
    .limit(page.limit + 1)

export const insertKey = (tx: Transaction, values: typeof apiKeys.$inferInsert) =>
  tx.sql.insert(apiKeys).values(values).returning()

export async function readKey(tx: Transaction, scope: Scope, id: string): Promise<KeyRow | undefined> {
  const [row] = await tx.sql
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.tenantId, scope.tenantId), eq(apiKeys.id, id)))
  return row
}

export const usableKeysOf = (tx: Transaction, scope: Scope, memberId: string) =>
  tx.sql
    .select({ id: apiKeys.id, permissions: apiKeys.permissions })
    .from(apiKeys)
    .where(
      and(eq(apiKeys.tenantId, scope.tenantId), eq(apiKeys.createdBy, memberId), isNull(apiKeys.revokedAt)),
    )

export const revokeKeyRow = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql
    .update(apiKeys)
    .set({ revokedAt: new Date() })
    .where(and(eq(apiKeys.tenantId, scope.tenantId), eq(apiKeys.id, id), isNull(apiKeys.revokedAt)))
    .returning()

export async function keyByHash(tx: Transaction, scope: Scope, hash: string) {
  const [row] = await tx.sql
    .select({ key: apiKeys, tenantStatus: tenants.status })
    .from(apiKeys)
    .innerJoin(tenants, eq(tenants.id, apiKeys.tenantId))
    .where(and(eq(apiKeys.tenantId, scope.tenantId), eq(apiKeys.hash, hash)))
  return row
}

/** At most one write a minute for a busy key. */
export const touchKey = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql
    .update(apiKeys)
    .set({ lastUsedAt: sql`now()` })
    .where(
      and(
        eq(apiKeys.tenantId, scope.tenantId),
        eq(apiKeys.id, id),
        or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, sql`now() - interval '1 minute'`)),
      ),
    )

// custom roles

export const listRoles = (tx: Transaction, scope: Scope, page: Page) =>
  tx.sql
    .select()
    .from(customRoles)
    .where(
      and(
        eq(customRoles.tenantId, scope.tenantId),
        page.after === undefined ? undefined : lt(customRoles.id, page.after),
      ),
    )
    .orderBy(desc(customRoles.id))
    .limit(page.limit + 1)

export async function readRole(tx: Transaction, scope: Scope, id: string): Promise<RoleRow | undefined> {
  const [row] = await tx.sql
    .select()
    .from(customRoles)
    .where(and(eq(customRoles.tenantId, scope.tenantId), eq(customRoles.id, id)))
    .for('update')
  return row
}

export const insertRole = (tx: Transaction, values: typeof customRoles.$inferInsert) =>
  tx.sql.insert(customRoles).values(values).returning()

export const changeRoleRow = (tx: Transaction, scope: Scope, id: string, values: Partial<RoleRow>) =>
  tx.sql
    .update(customRoles)
    .set({ ...values, updatedAt: new Date() })
    .where(and(eq(customRoles.tenantId, scope.tenantId), eq(customRoles.id, id)))
    .returning()

export const deleteRoleRow = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql.delete(customRoles).where(and(eq(customRoles.tenantId, scope.tenantId), eq(customRoles.id, id)))

export async function membersWith(tx: Transaction, scope: Scope, roleId: string): Promise<string[]> {
  const rows = await tx.sql
    .select({ memberId: roleAssignments.memberId })
    .from(roleAssignments)
    .where(and(eq(roleAssignments.tenantId, scope.tenantId), eq(roleAssignments.roleId, roleId)))
  return rows.map(({ memberId }) => memberId)
}

export const insertAssignment = (tx: Transaction, values: typeof roleAssignments.$inferInsert) =>
  tx.sql.insert(roleAssignments).values(values).onConflictDoNothing().returning()

export const deleteAssignment = (tx: Transaction, scope: Scope, memberId: string, roleId: string) =>
  tx.sql
    .delete(roleAssignments)
    .where(
      and(
        eq(roleAssignments.tenantId, scope.tenantId),
        eq(roleAssignments.memberId, memberId),
        eq(roleAssignments.roleId, roleId),
      ),
    )
    .returning()
