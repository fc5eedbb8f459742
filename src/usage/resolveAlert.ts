import type { Transaction } from '../db/index.ts'
import { found, type Scope } from '../kernel/index.ts'
import { lockAlert, markResolved } from './budgetStore.ts'

/** Somebody has seen to it. It does not come again in its period. */
export async function resolveAlert(scope: Scope, tx: Transaction, id: string) {
  const alert = found(await lockAlert(tx, scope, id), 'alert')
  if (!alert.resolved) {
    await markResolved(tx, scope, id)
    await tx.emit({
      type: 'changed',
      action: 'budget_alert.resolved',
      resourceType: 'budget_alert',
      resourceId: id,
      oldValues: { resolved: false },
      newValues: { resolved: true },
    })
  }
  return { ...alert, resolved: true }
}
