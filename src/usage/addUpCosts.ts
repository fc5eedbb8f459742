import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { addUpCompleteDays } from './store.ts'

/** For the night: the days that are over become their sums. */
export async function addUpCosts(scope: Scope, tx: Transaction): Promise<void> {
  await addUpCompleteDays(tx, scope)
}
