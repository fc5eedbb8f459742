import { and, desc, eq, inArray, lt } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { tenants } from '../tenancy/schema.ts'
import { widgets } from './schema.ts'

export type WidgetRow = typeof widgets.$inferSelect
export type WidgetValues = Partial<
  Omit<WidgetRow, 'tenantId' | 'id' | 'publicKey' | 'createdAt' | 'updatedAt'>
>

const one = (scope: Scope, id: string) => and(eq(widgets.tenantId, scope.tenantId), eq(widgets.id, id))

export const listWidgets = (
  tx: Transaction,
  scope: Scope,
  page: { readonly limit: number; readonly after: string | undefined },
) =>
  tx.sql
    .select()
    .from(widgets)
    .where(
      and(
        eq(widgets.tenantId, scope.tenantId),
        page.after === undefined ? undefined : lt(widgets.id, page.after),
      ),
    )
    .orderBy(desc(widgets.id))
    .limit(page.limit + 1)

export async function readWidget(tx: Transaction, scope: Scope, id: string): Promise<WidgetRow | undefined> {
  const [row] = await tx.sql.select().from(widgets).where(one(scope, id))
  return row
}

export async function lockWidget(tx: Transaction, scope: Scope, id: string): Promise<WidgetRow | undefined> {
  const [row] = await tx.sql.select().from(widgets).where(one(scope, id)).for('update')
  return row
}

export const insertWidget = (
  tx: Transaction,
  scope: Scope,
  values: WidgetValues & { readonly name: string; readonly publicKey: string },
) =>
  tx.sql
    .insert(widgets)
    .values({ ...values, tenantId: scope.tenantId })
    .returning()

export const changeWidget = (tx: Transaction, scope: Scope, id: string, values: WidgetValues) =>
  tx.sql
    .update(widgets)
    .set({ ...values, updatedAt: new Date() })
    .where(one(scope, id))
    .returning()

export const removeWidget = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql.delete(widgets).where(one(scope, id))

/** The widget of a public key, and whether its workspace is open. */
export async function widgetByKey(tx: Transaction, scope: Scope, publicKey: string) {
  const [row] = await tx.sql
    .select({
      id: widgets.id,
      tenantId: widgets.tenantId,
      name: widgets.name,
      publicKey: widgets.publicKey,
      active: widgets.active,
      identityRequired: widgets.identityRequired,
      allowedDomains: widgets.allowedDomains,
      tenantStatus: tenants.status,
    })
    .from(widgets)
    .innerJoin(tenants, eq(tenants.id, widgets.tenantId))
    .where(and(eq(widgets.tenantId, scope.tenantId), eq(widgets.publicKey, publicKey)))
  return row
}

/** Whether these widgets, and their workspace, still take visitors. */
export const widgetStandings = (tx: Transaction, scope: Scope, ids: readonly string[]) =>
  tx.sql
    .select({ id: widgets.id, active: widgets.active, tenantStatus: tenants.status })
    .from(widgets)
    .innerJoin(tenants, eq(tenants.id, widgets.tenantId))
    .where(and(eq(widgets.tenantId, scope.tenantId), inArray(widgets.id, [...ids])))
