import type { Scope } from '../../kernel/index.ts'
import type { CallMade, Usage } from '../../usage/index.ts'
import { throughOutage } from './throughOutage.ts'

/** What a run has used so far. */
export interface Bill {
  inputTokens: number
  outputTokens: number
  costUsd: number
}

/**
 * Puts every call on record, and those of runs on their bills as well: a run pays for all of them when it settles. What comes later, such as a
 * search that went on when its run had ended, is paid at once.
 */
export interface Books {
  record(scope: Scope, call: CallMade): Promise<void>
  open(runId: string): Bill
  /** Settles a bill when all is on it that was on its way. */
  close(runId: string, settle: (bill: Bill) => Promise<void>): Promise<void>
}

interface Account {
  readonly bill: Bill
  readonly onTheirWay: Set<Promise<void>>
  /** Nothing comes on the bill any more. Fulfilled when it is settled: what is paid at once before that would be paid twice. */
  settled?: Promise<void>
}

export function createBooks(usage: Pick<Usage, 'record'>): Books {
  const accounts = new Map<string, Account>()
  const write = (scope: Scope, call: CallMade) => throughOutage(() => usage.record(scope, call))

  async function enter(scope: Scope, call: CallMade, bill: Bill): Promise<void> {
    const { costUsd } = await write(scope, call)
    bill.costUsd += costUsd
    if (call.service !== 'model') return
    bill.inputTokens += call.inputTokens ?? 0
    bill.outputTokens += call.outputTokens ?? 0
  }

  return {
    async record(scope, call) {
      const account = call.runId === undefined ? undefined : accounts.get(call.runId)
      if (account && !account.settled) {
        const entry = enter(scope, call, account.bill)
        account.onTheirWay.add(entry)
        await entry.finally(() => account.onTheirWay.delete(entry))
        return
      }
      await account?.settled
      await write(scope, call.runId === undefined ? call : { ...call, afterRun: true })
    },
    open(runId) {
      const bill = { inputTokens: 0, outputTokens: 0, costUsd: 0 }
      accounts.set(runId, { bill, onTheirWay: new Set() })
      return bill
    },
    async close(runId, settle) {
      const account = accounts.get(runId)
      if (!account) throw new Error('there is no such bill')
      const over = Promise.withResolvers<void>()
      account.settled = over.promise
      try {
        await Promise.allSettled(account.onTheirWay)
        await settle(account.bill)
      } finally {
        accounts.delete(runId)
        over.resolve()
      }
    },
  }
}
