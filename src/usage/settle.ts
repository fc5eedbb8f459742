import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { isOf, spend, takeBack } from './account.ts'
import { readReservations, takeReservations } from './budgetStore.ts'
import { changeAccounts, knownCost } from './ledger.ts'

/**
 * Puts what a run cost in the place of what it reserved, once: there is nothing to take back a second time. What the run says counts, or
 * what its calls are known to have cost where that is more: not every call is made by the run itself.
 */
export async function settle(scope: Scope, tx: Transaction, runId: string, actualUsd: number): Promise<void> {
  const [held] = await readReservations(tx, scope, runId)
  if (!held) return
  // Before the locks: nobody has to wait while events are read.
  const cost = Math.max(actualUsd, await knownCost(scope, tx, held))
  await changeAccounts(scope, tx, async accounts => {
    for (const reservation of await takeReservations(tx, scope, runId)) {
      const account = accounts.find(each => isOf(each, reservation))
      if (!account) continue
      takeBack(account, reservation)
      spend(account, cost)
    }
  })
}
