import type { Transaction } from '../db/index.ts'
import type { DomainEvent, Log, Scope } from '../kernel/index.ts'
import type { Account } from './account.ts'
import { insertAlerts } from './budgetStore.ts'
import { dollars } from './prices.ts'
import type { severities } from './schema.ts'

/** Tells of every share of the limit that is reached and was not told of in this period. */
export async function raiseAlerts(scope: Scope, tx: Transaction, account: Account): Promise<void> {
  const { budget, periodStart, spentUsd } = account
  const reached = budget.alertAt.filter(share => isReached(account, share))
  if (reached.length === 0) return
  const raised = await insertAlerts(
    tx,
    scope,
    reached.map(threshold => ({
      ...{ budgetId: budget.id, periodStart, threshold },
      ...{ currentSpend: spentUsd, severity: severityOf(account, threshold) },
    })),
  )
  for (const { id: alertId, threshold, severity } of raised) {
    const told = { period: budget.period, threshold, severity, spentUsd, limitUsd: budget.limitUsd }
    await tx.emit({
      type: 'changed',
      action: 'budget.alerted',
      resourceType: 'budget',
      resourceId: budget.id,
      oldValues: null,
      newValues: told,
    })
    await tx.emit({ type: 'budget.alert', alertId, budgetId: budget.id, ...told })
  }
}

/** The whole of it is reached as well when something does not fit: with runs that reserve, spending may never get to the last cent. */
const isReached = ({ budget, spentUsd, refused }: Account, share: number): boolean =>
  (spentUsd > 0 && spentUsd >= dollars(share * budget.limitUsd)) || (refused && share === 1)

function severityOf({ budget }: Account, share: number): (typeof severities)[number] {
  if (share >= 1) return 'exhausted'
  return share >= budget.economyFrom ? 'warning' : 'notice'
}

/** For whoever runs the installation. */
export const logAlerts =
  (log: Log) =>
  (scope: Scope, event: DomainEvent): void => {
    if (event.type !== 'budget.alert') return
    log.warn({ tenantId: scope.tenantId, ...event }, 'a budget has reached a share of its limit')
  }
