import type { Database, Transaction } from '../db/index.ts'
import { type Log, newId, type Scope } from '../kernel/index.ts'
import { spend } from './account.ts'
import { changeAccounts } from './ledger.ts'
import { type Call, type Cost, costOf, type Prices } from './prices.ts'
import { type Reservation, type Reserved, reserve } from './reserve.ts'
import { settle } from './settle.ts'
import { type EventValues, insertEvent } from './store.ts'

/** What a call was for. */
export interface CallMade extends Call {
  /** Of a run that has reserved: its calls are paid when it settles. All others are paid at once. */
  readonly runId?: string
  /** It was made when its run had settled: it is paid at once. */
  readonly afterRun?: true
  readonly conversationId?: string
  readonly agentId?: string
  readonly sourceId?: string
}

/**
 * What answers cost, and what they may cost.
 *
 * - `record` keeps every call with what it cost. In a transaction it comes last, because it may lock the budgets.
 * - `reserve` says which rung of the ladder a run stands on, and sets its estimate aside. `settle` puts what it cost in the place of that; doing
 *   so again changes nothing. A run may reserve again while it runs; once settled it is over. What is never settled lapses within minutes.
 * - Of any number of runs at once, on any number of nodes, none gets money that another one was given: as long as none costs more than it
 *   reserved, what they spend stays within the limit. Calls outside of runs are not reserved and may pass it.
 */
export interface Usage {
  /** What a call costs, or would cost. */
  cost(call: Call): Cost
  record(scope: Scope, call: CallMade, tx?: Transaction): Promise<Cost>
  reserve(scope: Scope, run: { readonly runId: string; readonly estimateUsd: number }): Promise<Reserved>
  settle(scope: Scope, reservation: Reservation, actualUsd: number): Promise<void>
}

export interface UsageParts {
  readonly db: Database
  readonly prices: Prices
  readonly log: Log
}

export function createUsage({ db, prices, log }: UsageParts): Usage {
  const unpriced = new Set<string>()

  async function write(
    scope: Scope,
    tx: Transaction,
    { afterRun, ...values }: EventValues & Cost & Pick<CallMade, 'afterRun'>,
  ): Promise<void> {
    await insertEvent(tx, scope, values)
    if ((values.runId !== undefined && !afterRun) || values.costUsd === 0) return
    await changeAccounts(scope, tx, async accounts => {
      for (const account of accounts) spend(account, values.costUsd)
    })
  }

  return {
    cost: call => costOf(prices, call),
    record: async (scope, call, tx) => {
      const cost = costOf(prices, call)
      const values = { ...call, ...cost, id: newId() }
      await (tx ? write(scope, tx, values) : db.scoped(scope, own => write(scope, own, values)))
      if (!cost.priced && !unpriced.has(call.model)) {
        unpriced.add(call.model)
        log.warn({ model: call.model, service: call.service }, 'a model has no price and counts as free')
      }
      return cost
    },
    reserve: (scope, run) => db.scoped(scope, tx => reserve(scope, tx, run)),
    settle: async (scope, reservation, actualUsd) => {
      if (!reservation.held) return
      await db.scoped(scope, tx => settle(scope, tx, reservation.runId, actualUsd))
    },
  }
}
