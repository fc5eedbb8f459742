import { z } from 'zod'
import { defineJob, handle, type JobHandler, type Transaction } from '../../db/index.ts'
import { type Scope, systemScope } from '../../kernel/index.ts'
import { filesAmong } from './fileRowStore.ts'
import { type FileParts, keyOfFile, keyOfThumbnail } from './parts.ts'

const removeObjectsJob = defineJob({
  name: 'remove-objects',
  payload: z.object({ tenantId: z.uuid(), fileIds: z.array(z.uuid()) }),
  retryLimit: 5,
})

/** For files whose rows this transaction removes: they count for no limit any more, so the space they take must be free soon. */
export async function queueRemoval(
  tx: Transaction,
  tenantId: string,
  fileIds: readonly string[],
): Promise<void> {
  if (fileIds.length > 0) await tx.enqueue(removeObjectsJob, { tenantId, fileIds: [...fileIds] })
}

export const removalHandler = (parts: Pick<FileParts, 'db' | 'store'>): JobHandler =>
  handle(removeObjectsJob, ({ tenantId, fileIds }) =>
    removeOrphans(
      systemScope(tenantId, 'remove-objects'),
      parts,
      fileIds.flatMap(id => [keyOfFile(tenantId, id), keyOfThumbnail(tenantId, id)]),
    ),
  )

/** Removes of these objects those that no row names. */
export async function removeOrphans(
  scope: Scope,
  { db, store }: Pick<FileParts, 'db' | 'store'>,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return
  const named = await db.scoped(scope, tx => filesAmong(tx, scope, [...new Set(keys.map(idOf))]))
  for (const key of keys) if (!named.has(idOf(key))) await store.delete(key)
}

/** Of a file as of its thumbnail: `<tenant>/<file>` and `<tenant>/<file>.thumbnail`. */
const idOf = (key: string): string => key.slice(37, 73)
