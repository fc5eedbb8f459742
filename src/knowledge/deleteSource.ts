import { z } from 'zod'
import { defineJob, handle, type JobHandler, type Transaction } from '../db/index.ts'
import { found, isUuid, type Scope, systemScope } from '../kernel/index.ts'
import { keyOfUpload, type SourceParts, sourceOfKey } from './parts.ts'
import { lockSource, removeSource, sourcesAmong } from './sourceStore.ts'
import { queueIndexTending } from './tendIndex.ts'

const removeBytesJob = defineJob({
  name: 'remove-source-bytes',
  payload: z.object({ tenantId: z.uuid(), sourceId: z.uuid() }),
  retryLimit: 10,
})

const sweepJob = defineJob({
  name: 'sweep-sources',
  payload: z.object({ tenantId: z.uuid() }),
  retryLimit: 2,
})

/** Its documents and chunks go with it, its bytes soon after. What still reads it finds it gone, and stores nothing. */
export async function deleteSource(scope: Scope, tx: Transaction, id: string): Promise<void> {
  const source = found(await lockSource(tx, scope, id), 'source')
  await removeSource(tx, scope, id)
  const { type, name, agentId, url, settings, tags, fileName, fileType, fileSize } = source
  await tx.emit({
    type: 'changed',
    action: 'knowledge_source.deleted',
    resourceType: 'knowledge_source',
    resourceId: id,
    oldValues: { type, name, agentId, url, settings, tags, fileName, fileType, fileSize },
    newValues: null,
  })
  await tx.emit({ type: 'source.changed', sourceId: id })
  if (source.storageKey !== null) await tx.enqueue(removeBytesJob, { tenantId: scope.tenantId, sourceId: id })
  await queueIndexTending(tx, scope.tenantId)
}

/** For the nightly sweep of tenants: bytes can be left of uploads whose end nobody saw, and of sources that went with their agent. */
export const queueSourceSweep = ({ tenantId }: Scope, tx: Transaction): Promise<void> =>
  tx.enqueue(sweepJob, { tenantId })

type Parts = Pick<SourceParts, 'db' | 'store'>

export const removalHandlers = (parts: Parts): JobHandler[] => [
  handle(removeBytesJob, ({ tenantId, sourceId }) =>
    removeOrphans(systemScope(tenantId, 'remove-source-bytes'), parts, [keyOfUpload(tenantId, sourceId)]),
  ),
  handle(sweepJob, ({ tenantId }) => sweepSources(systemScope(tenantId, 'sweep-sources'), parts)),
]

const dayMs = 24 * 60 * 60_000
const batchSize = 500

/** Younger ones stay: their row may be about to be written. */
export async function sweepSources(
  scope: Scope,
  parts: Parts,
  before: Date = new Date(Date.now() - dayMs),
): Promise<void> {
  let batch: string[] = []
  for await (const key of parts.store.list(scope.tenantId, before)) {
    if (!isUuid(sourceOfKey(key) ?? '')) continue
    batch.push(key)
    if (batch.length < batchSize) continue
    await removeOrphans(scope, parts, batch)
    batch = []
  }
  await removeOrphans(scope, parts, batch)
}

/** Removes of these those that no source names. */
async function removeOrphans(scope: Scope, { db, store }: Parts, keys: readonly string[]): Promise<void> {
  if (keys.length === 0) return
  const idOf = (key: string) => sourceOfKey(key) ?? ''
  const there = await db.scoped(scope, tx => sourcesAmong(tx, scope, keys.map(idOf)))
  for (const key of keys) if (!there.has(idOf(key))) await store.delete(key)
}
