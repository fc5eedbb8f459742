import type { Database } from '../../db/index.ts'
import { type Log, systemScope } from '../../kernel/index.ts'
import type { Live } from './live.ts'
import { repeatedly } from './repeatedly.ts'
import { renewLeases } from './runStore.ts'

interface LeaseParts {
  readonly db: Database
  readonly log: Log
  readonly node: string
  readonly runs: () => readonly Live[]
}

/** Often enough that a lease survives a renewal that fails. */
const renewMs = 500

/**
 * Says for all runs of this node that they are at work, and hears what others want of them: to stop, to say again what they have so far. One
 * whose lease somebody else has taken ends; it writes nothing, because what it would write is refused under the lock (L7).
 */
export function keepLeases({ db, log, node, runs }: LeaseParts): { stop(): Promise<void> } {
  async function renewOf(tenantId: string, list: readonly Live[]): Promise<void> {
    const scope = systemScope(tenantId, 'leases')
    const ids = list.map(({ begun }) => begun.runId)
    const askedAt = performance.now()
    // Before what else waits: a lease that lapses meanwhile silences its answer.
    const renewed = await db.scoped(scope, tx => renewLeases(tx, scope, node, ids), { first: true })
    const byId = new Map(renewed.map(one => [one.id, one]))
    for (const run of list) {
      const found = byId.get(run.begun.runId)
      if (found) run.renewed(askedAt)
      if (!found) run.end('lost')
      else if (found.fenced) run.end('fenced')
      else if (found.stopRequested) run.end('stopped')
      else if (found.textWanted) run.telling.whole()
    }
  }
  const failed = (error: unknown) => log.warn({ err: error }, 'leases could not be renewed')
  // Tenants beside each other: a lease is short, and no tenant waits for another one.
  async function renew(): Promise<void> {
    const tenants = Map.groupBy(runs(), ({ scope }) => scope.tenantId)
    await Promise.all([...tenants].map(([tenantId, list]) => renewOf(tenantId, list).catch(failed)))
  }
  return repeatedly(renewMs, renew, failed)
}
