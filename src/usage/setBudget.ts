import type { Transaction } from '../db/index.ts'
import { difference, found, type Scope } from '../kernel/index.ts'
import {
  type BudgetNow,
  type BudgetRow,
  type BudgetSettings,
  changeBudget,
  insertBudget,
  lockBudgets,
  type Period,
  readBudget,
  removeBudget,
} from './budgetStore.ts'
import { changeAccounts } from './ledger.ts'

/** The audit trail keeps what people decide; what is spent moves with every answer. */
const settingsOf = ({ limitUsd, economyFrom, builtInAfter, alertAt }: BudgetSettings): BudgetSettings => ({
  ...{ limitUsd, economyFrom, builtInAfter, alertAt },
})

const changeOf = (action: string, { id }: Pick<BudgetRow, 'id'>) =>
  ({ type: 'changed', action, resourceType: 'budget', resourceId: id }) as const

export async function setBudget(
  scope: Scope,
  tx: Transaction,
  period: Period,
  settings: BudgetSettings,
): Promise<BudgetNow> {
  // All of them, as the last step does: in everybody's order.
  const held = async () => (await lockBudgets(tx, scope)).find(budget => budget.period === period)
  const before = await held()
  const [made] = before ? [] : await insertBudget(tx, scope, period, settings)
  if (made) {
    const newValues = { period, ...settingsOf(made) }
    await tx.emit({ ...changeOf('budget.created', made), oldValues: null, newValues })
  } else await change(scope, tx, found(before ?? (await held()), 'budget'), settings)
  // The new limit may have been reached already, which is told like any other time.
  await changeAccounts(scope, tx, async () => undefined)
  return found(await readBudget(tx, scope, period), 'budget')
}

async function change(
  scope: Scope,
  tx: Transaction,
  before: BudgetNow,
  settings: BudgetSettings,
): Promise<void> {
  const { changed, ...values } = difference(settingsOf(before), settingsOf(settings))
  if (!changed) return
  await changeBudget(tx, scope, before.period, settings)
  await tx.emit({ ...changeOf('budget.updated', before), ...values })
}

/** Its alerts go with it. Runs that have reserved settle without it. */
export async function deleteBudget(scope: Scope, tx: Transaction, period: Period): Promise<void> {
  const [gone] = await removeBudget(tx, scope, period)
  if (!gone) return
  const oldValues = { period, ...settingsOf(gone) }
  await tx.emit({ ...changeOf('budget.deleted', gone), oldValues, newValues: null })
}
