import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { Ask, Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { budgetAlerts, budgetReservations, budgets, costEvents } from './schema.ts'

export type BudgetRow = typeof budgets.$inferSelect
export type Period = BudgetRow['period']
export type AlertRow = typeof budgetAlerts.$inferSelect
export type ReservationRow = typeof budgetReservations.$inferSelect

/** A budget with the beginning (UTC) of the period that it is now, by the database's clock: there is only one of those. */
export type BudgetNow = BudgetRow & { readonly currentStart: Date }

export type BudgetSettings = Pick<BudgetRow, 'limitUsd' | 'economyFrom' | 'builtInAfter' | 'alertAt'>

const of = (scope: Scope, period: Period) =>
  and(eq(budgets.tenantId, scope.tenantId), eq(budgets.period, period))

const selectBudgets = (tx: Transaction) =>
  tx.sql.select({
    budget: budgets,
    currentStart: sql`date_trunc(${budgets.period}, now(), 'UTC')`.mapWith(budgets.periodStart),
  })

/** In the order of their periods, which is everybody's order: two runs never wait for each other. */
export async function lockBudgets(tx: Transaction, scope: Scope): Promise<BudgetNow[]> {
  const rows = await selectBudgets(tx)
    .from(budgets)
    .where(eq(budgets.tenantId, scope.tenantId))
    .orderBy(asc(budgets.period))
    .for('update')
  return rows.map(({ budget, currentStart }) => ({ ...budget, currentStart }))
}

/** Whether the tenant has any. Locks nothing. */
export const budgeted = ({ tenantId }: Scope): Ask<{ budgeted: boolean }> => ({
  statement: {
    name: 'parley_budgeted',
    text: 'select exists (select from budgets where tenant_id = $1) as budgeted',
  },
  values: [tenantId],
})

export async function readBudget(
  tx: Transaction,
  scope: Scope,
  period: Period,
): Promise<BudgetNow | undefined> {
  const [row] = await selectBudgets(tx).from(budgets).where(of(scope, period))
  return row && { ...row.budget, currentStart: row.currentStart }
}

/** What has been spent in the period already counts. Returns nothing where somebody else has just made it. */
export function insertBudget(tx: Transaction, scope: Scope, period: Period, settings: BudgetSettings) {
  const start = sql`date_trunc(${period}, now(), 'UTC')`
  return tx.sql
    .insert(budgets)
    .values({
      ...settings,
      tenantId: scope.tenantId,
      period,
      periodStart: start,
      spentUsd: sql`(select coalesce(sum(cost_usd), 0) from ${costEvents}
        where tenant_id = ${scope.tenantId} and created_at >= ${start})`,
    })
    .onConflictDoNothing({ target: [budgets.tenantId, budgets.period] })
    .returning()
}

export const changeBudget = (tx: Transaction, scope: Scope, period: Period, values: Partial<BudgetRow>) =>
  tx.sql.update(budgets).set(values).where(of(scope, period))

export const removeBudget = (tx: Transaction, scope: Scope, period: Period) =>
  tx.sql.delete(budgets).where(of(scope, period)).returning()

const ofRun = (scope: Scope, runId: string) =>
  and(eq(budgetReservations.tenantId, scope.tenantId), eq(budgetReservations.runId, runId))

export const readReservations = (tx: Transaction, scope: Scope, runId: string) =>
  tx.sql.select().from(budgetReservations).where(ofRun(scope, runId))

export const takeReservations = (tx: Transaction, scope: Scope, runId: string) =>
  tx.sql.delete(budgetReservations).where(ofRun(scope, runId)).returning()

export const readLapsed = (tx: Transaction, scope: Scope) =>
  tx.sql
    .select()
    .from(budgetReservations)
    .where(and(eq(budgetReservations.tenantId, scope.tenantId), lt(budgetReservations.lapsesAt, sql`now()`)))

type Held = Pick<ReservationRow, 'budgetId' | 'runId' | 'periodStart' | 'amountUsd'>

export const putReservations = (tx: Transaction, scope: Scope, rows: readonly Held[], minutes: number) =>
  tx.sql
    .insert(budgetReservations)
    .values(
      rows.map(({ budgetId, runId, periodStart, amountUsd }) => ({
        ...{ tenantId: scope.tenantId, budgetId, runId, periodStart, amountUsd },
        lapsesAt: sql`now() + make_interval(mins => ${minutes})`,
      })),
    )
    .onConflictDoUpdate({
      target: [budgetReservations.tenantId, budgetReservations.budgetId, budgetReservations.runId],
      set: {
        periodStart: sql`excluded.period_start`,
        amountUsd: sql`excluded.amount_usd`,
        lapsesAt: sql`excluded.lapses_at`,
      },
    })

export const removeReservations = (tx: Transaction, scope: Scope, ids: readonly string[]) =>
  tx.sql
    .delete(budgetReservations)
    .where(and(eq(budgetReservations.tenantId, scope.tenantId), inArray(budgetReservations.id, [...ids])))

/** Those that were not there: once per threshold and period. */
export const insertAlerts = (
  tx: Transaction,
  scope: Scope,
  rows: readonly Omit<typeof budgetAlerts.$inferInsert, 'tenantId'>[],
) =>
  tx.sql
    .insert(budgetAlerts)
    .values(rows.map(row => ({ ...row, tenantId: scope.tenantId })))
    .onConflictDoNothing()
    .returning()

const selectAlerts = (tx: Transaction) =>
  tx.sql
    .select({ alert: budgetAlerts, period: budgets.period })
    .from(budgetAlerts)
    .innerJoin(
      budgets,
      and(eq(budgets.tenantId, budgetAlerts.tenantId), eq(budgets.id, budgetAlerts.budgetId)),
    )

export async function listAlerts(
  tx: Transaction,
  scope: Scope,
  filter: {
    readonly limit: number
    readonly after: string | undefined
    readonly resolved?: boolean | undefined
  },
) {
  const rows = await selectAlerts(tx)
    .where(
      and(
        eq(budgetAlerts.tenantId, scope.tenantId),
        filter.after === undefined ? undefined : lt(budgetAlerts.id, filter.after),
        filter.resolved === undefined ? undefined : eq(budgetAlerts.resolved, filter.resolved),
      ),
    )
    .orderBy(desc(budgetAlerts.id))
    .limit(filter.limit + 1)
  return rows.map(({ alert, period }) => ({ ...alert, period }))
}

const one = (scope: Scope, id: string) =>
  and(eq(budgetAlerts.tenantId, scope.tenantId), eq(budgetAlerts.id, id))

export async function lockAlert(tx: Transaction, scope: Scope, id: string) {
  const [row] = await selectAlerts(tx).where(one(scope, id)).for('update', { of: budgetAlerts })
  return row && { ...row.alert, period: row.period }
}

export const markResolved = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql.update(budgetAlerts).set({ resolved: true }).where(one(scope, id))
