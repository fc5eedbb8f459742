import { z } from 'zod'
import { defineJob, handle, type JobHandler, type Transaction } from '../../db/index.ts'
import { type Scope, systemScope } from '../../kernel/index.ts'
import { lockConversations } from '../logStore.ts'
import { conversationsWithUnsent, dropUnsent } from '../openFilesStore.ts'
import { type FileParts, isKeyOfFile } from './parts.ts'
import { removeOrphans } from './removeObjects.ts'

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
/** Few, because nothing can be said in them meanwhile. */
const lockedAtOnce = 20

/**
 * Removes what visitors and guests uploaded and did not send, then the objects that no row names: of those, of uploads whose end nobody saw, and of conversations that were deleted, whose rows go
 * with them. Younger ones stay: their row may be about to be written.
 */
export const sweepFilesHandler = (parts: Pick<FileParts, 'db' | 'store'>): JobHandler =>
  handle(sweepFilesJob, ({ tenantId }) => sweepFiles(systemScope(tenantId, 'sweep-files'), parts))

export async function sweepFiles(
  scope: Scope,
  parts: Pick<FileParts, 'db' | 'store'>,
  before: Date = new Date(Date.now() - dayMs),
): Promise<void> {
  const { store } = parts
  await dropAllUnsent(scope, parts, before)
  await store.discardUnfinished(scope.tenantId, before)
  let batch: string[] = []
  for await (const key of store.list(scope.tenantId, before)) {
    // Other rooms keep their bytes in the same store, and sweep them themselves.
    if (!isKeyOfFile(key)) continue
    batch.push(key)
    if (batch.length < batchSize) continue
    await removeOrphans(scope, parts, batch)
    batch = []
  }
  await removeOrphans(scope, parts, batch)
}

async function dropAllUnsent(scope: Scope, { db }: Pick<FileParts, 'db'>, before: Date): Promise<void> {
  const { tenantId } = scope
  const all = await db.scoped(scope, tx => conversationsWithUnsent(tx, tenantId, before))
  for (let at = 0; at < all.length; at += lockedAtOnce) {
    const ids = all.slice(at, at + lockedAtOnce)
    await db.scoped(scope, async tx => {
      await lockConversations(tx, tenantId, ids)
      await dropUnsent(tx, tenantId, ids, before)
    })
  }
}
