import { z } from 'zod'
import {
  type Database,
  defineJob,
  handle,
  type JobHandler,
  type Pool,
  type Transaction,
} from '../db/index.ts'
import { type Log, ParleyError, systemScope } from '../kernel/index.ts'
import { buildIndex, countVectors, dropIndex, stateOfIndex } from './vectorIndexStore.ts'

const tendIndexJob = defineJob({
  name: 'knowledge-tend-index',
  payload: z.strictObject({ tenantId: z.uuid() }),
  retryLimit: 12,
})

/** For whoever has added or removed chunks, in the same transaction: whether the tenant needs a vector index of its own is looked at afterwards. */
export const queueIndexTending = (tx: Transaction, tenantId: string): Promise<void> =>
  tx.enqueue(tendIndexJob, { tenantId })

/** How many vectors a tenant must have for an index of its own, and how few for losing it. */
export interface IndexThresholds {
  readonly above: number
  readonly below: number
}

/** Up to here looking at every vector is quick, and complete. Apart, so that a tenant at the border does not come and go. */
export const usualThresholds: IndexThresholds = { above: 10_000, below: 8_000 }

export interface IndexParts {
  readonly db: Database
  /** As the owner of the tables. */
  readonly pool: Pool
  readonly log: Log
  readonly thresholds?: IndexThresholds | undefined
}

export const tendIndexHandler = (parts: IndexParts): JobHandler =>
  handle(tendIndexJob, ({ tenantId }) => tendIndex(parts, tenantId))

/** Until the index is there, and after it has gone, its tenant is searched exactly. */
async function tendIndex({ db, pool, log, thresholds = usualThresholds }: IndexParts, tenantId: string) {
  const scope = systemScope(tenantId, 'tend-index')
  const vectors = await db.scoped(scope, tx => countVectors(tx, scope))
  const state = await stateOfIndex(pool, tenantId)
  const wanted = state === 'ready' ? vectors >= thresholds.below : vectors > thresholds.above
  if (wanted === (state === 'ready') && state !== 'broken') return
  const mine = wanted ? await buildIndex(pool, tenantId, vectors) : await dropIndex(pool, tenantId)
  // The job comes back later.
  if (!mine) throw new ParleyError('unavailable', 'Another vector index is being made.')
  log.info({ tenantId, vectors }, wanted ? 'vector index made' : 'vector index dropped')
}
