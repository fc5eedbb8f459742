import { and, eq } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { widgetIdentities } from './schema.ts'

export type IdentityRow = typeof widgetIdentities.$inferSelect

const of = (scope: Scope, widgetId: string) =>
  and(eq(widgetIdentities.tenantId, scope.tenantId), eq(widgetIdentities.widgetId, widgetId))

export async function readIdentity(
  tx: Transaction,
  scope: Scope,
  widgetId: string,
): Promise<IdentityRow | undefined> {
  const [row] = await tx.sql.select().from(widgetIdentities).where(of(scope, widgetId))
  return row
}

/** The moment of writing tells this key from the former one: what was proved by that one ends with it. */
export const writeIdentity = (
  tx: Transaction,
  scope: Scope,
  values: Pick<IdentityRow, 'widgetId' | 'algorithm' | 'material'>,
) =>
  tx.sql
    .insert(widgetIdentities)
    .values({ ...values, tenantId: scope.tenantId })
    .onConflictDoUpdate({
      target: [widgetIdentities.tenantId, widgetIdentities.widgetId],
      set: { algorithm: values.algorithm, material: values.material, createdAt: new Date() },
    })

export const deleteIdentity = (tx: Transaction, scope: Scope, widgetId: string) =>
  tx.sql.delete(widgetIdentities).where(of(scope, widgetId))
