import { z } from 'zod'
import { defineJob, handle, type JobHandler, type Transaction } from '../../db/index.ts'
import { type Scope, systemScope } from '../../kernel/index.ts'
import { filesAmong } from './fileRowStore.ts'
import type { FileParts } from './parts.ts'

const sweepFilesJob = defineJob({
  name: 'sweep-files',
  payload: z.object({ tenantId: z.uuid() }),
  retryLimit: 2,
})

/** For the nightly sweep of tenants. A job of its own, because no transaction may wait for a store. */
export const queueFileSweep = ({ tenantId }: Scope, tx: Transaction): Promise<void> =>
  tx.enqueue(sweepFilesJob, { tenantId })

const dayMs = 24 * 60 * 60_000
const batchSize = 500

/**
 * Removes the objects that no row names: of uploads whose end nobody saw, and of conversations that were deleted, whose rows go
 * with them. Younger ones stay: their row may be about to be written.
 */
export const sweepFilesHandler = (parts: Pick<FileParts, 'db' | 'store'>): JobHandler =>
  handle(sweepFilesJob, ({ tenantId }) => sweepFiles(systemScope(tenantId, 'sweep-files'), parts))

export async function sweepFiles(
  scope: Scope,
  { db, store }: Pick<FileParts, 'db' | 'store'>,
  before: Date = new Date(Date.now() - dayMs),
): Promise<void> {
  await store.discardUnfinished(scope.tenantId, before)
  let batch: string[] = []
  const removeOrphans = async () => {
    const keys = batch
    batch = []
    if (keys.length === 0) return
    const named = await db.scoped(scope, tx => filesAmong(tx, scope, [...new Set(keys.map(idOf))]))
    for (const key of keys) if (!named.has(idOf(key))) await store.delete(key)
  }
  for await (const key of store.list(scope.tenantId, before)) {
    batch.push(key)
    if (batch.length >= batchSize) await removeOrphans()
  }
  await removeOrphans()
}

/** Of a file as of its thumbnail: `<tenant>/<file>` and `<tenant>/<file>.thumbnail`. */
const idOf = (key: string): string => key.slice(37, 73)
