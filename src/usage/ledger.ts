import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { type Account, inCurrentPeriod, isOf, spend, standingOf, takeBack } from './account.ts'
import {
  changeBudget,
  lockBudgets,
  putReservations,
  type ReservationRow,
  readLapsed,
  removeReservations,
} from './budgetStore.ts'
import { raiseAlerts } from './raiseAlerts.ts'
import { costSince } from './store.ts'

const lateMinutes = 24 * 60

/**
 * The one way to change what is spent and reserved: under the locks of all budgets of the tenant, in their current periods, without what has
 * lapsed; what the change reaches is told in the same transaction. A tenant without budgets locks nothing. In a longer transaction it comes
 * last: whoever waits for another lock meanwhile lets all runs of the tenant wait.
 */
export async function changeAccounts(
  scope: Scope,
  tx: Transaction,
  change: (accounts: readonly Account[]) => Promise<void>,
): Promise<void> {
  const accounts = (await lockBudgets(tx, scope)).map(inCurrentPeriod)
  if (accounts.length === 0) return
  await releaseLapsed(scope, tx, accounts)
  await change(accounts)
  for (const account of accounts) {
    await changeBudget(tx, scope, account.budget.period, standingOf(account))
    await raiseAlerts(scope, tx, account)
  }
}

/** What the calls of a run are known to have cost. Some of them, such as its search, may have come before it reserved. */
export const knownCost = (scope: Scope, tx: Transaction, { runId, createdAt }: ReservationRow) =>
  costSince(tx, scope, new Date(createdAt.getTime() - 3_600_000), runId)

/**
 * A run whose node died never settles. Its money is free again, except for what its calls are known to have cost. Should it come after
 * all, within a day, it is settled as if nothing had happened.
 */
async function releaseLapsed(scope: Scope, tx: Transaction, accounts: readonly Account[]): Promise<void> {
  const lapsed = await readLapsed(tx, scope)
  const over: string[] = []
  for (const reservation of lapsed) {
    const account = accounts.find(each => isOf(each, reservation))
    if (account) {
      const known = await knownCost(scope, tx, reservation)
      takeBack(account, reservation)
      spend(account, known)
      if (reservation.amountUsd > 0) {
        await putReservations(tx, scope, [{ ...reservation, amountUsd: -known }], lateMinutes)
        continue
      }
    }
    over.push(reservation.id)
  }
  if (over.length > 0) await removeReservations(tx, scope, over)
}
