import { z } from 'zod'
import { defineJob, handle, type JobHandler, type Transaction } from '../db/index.ts'
import { type Scope, systemScope } from '../kernel/index.ts'
import {
  changeDocument,
  countUp,
  type KnownDocument,
  knownDocuments,
  passagesOf,
  setVector,
} from './documentStore.ts'
import { embedTexts, passageText } from './embedTexts.ts'
import type { SourceParts } from './parts.ts'
import { isServiceFailure } from './problems.ts'
import { lockCurrent, Superseded } from './run.ts'
import { changeSource, embeddedOtherwise, readSource, type SourceRow, stuckSources } from './sourceStore.ts'
import { queueSync } from './synchronise.ts'
import { queueIndexTending } from './tendIndex.ts'

const embedAnewJob = defineJob({
  name: 'embed-source-anew',
  payload: z.object({
    ...{ tenantId: z.uuid(), sourceId: z.uuid(), revision: z.int() },
    embedder: z.string().optional(),
  }),
  // Two of them at once would have every text embedded twice.
  once: {
    key: ({ sourceId, revision, embedder }) => `${sourceId} ${revision} ${embedder}`,
    seconds: 600,
  },
  retryLimit: 10,
  long: { atOnce: 1, limitSeconds: 3 * 3_600 },
})

const stuckAfterMs = 6 * 3_600_000

type Chore = (scope: Scope, tx: Transaction) => Promise<void>

/** A chore for the start, at which another model may have been configured: sources whose vectors are another one's are embedded anew. */
export const queueEmbeddingAnew =
  ({ embedder }: Pick<SourceParts, 'embedder'>): Chore =>
  async (scope, tx) => {
    const { tenantId } = scope
    for (const { id: sourceId, revision } of await embeddedOtherwise(tx, scope, embedder.id))
      await tx.enqueue(embedAnewJob, { tenantId, sourceId, revision, embedder: embedder.id })
  }

/** A nightly chore: the same, where it has failed or was missed, and what has long been given up by the queue is tried once more. */
export const tendSources =
  (parts: Pick<SourceParts, 'embedder'>): Chore =>
  async (scope, tx) => {
    await queueEmbeddingAnew(parts)(scope, tx)
    for (const { id } of await stuckSources(tx, scope, new Date(Date.now() - stuckAfterMs))) {
      const source = await readSource(tx, scope, id)
      if (source) await queueSync(tx, source)
    }
  }

export const embedAnewHandler = (parts: SourceParts): JobHandler =>
  handle(embedAnewJob, ({ tenantId, sourceId, revision }, signal) =>
    embedAnew(systemScope(tenantId, 'embed-source-anew'), parts, { id: sourceId, revision }, signal),
  )

/** Document by document, without reading the source again: each is searched with its old vectors until its new ones are there. */
export async function embedAnew(
  scope: Scope,
  parts: SourceParts,
  at: Pick<SourceRow, 'id' | 'revision'>,
  signal: AbortSignal,
): Promise<void> {
  const { db, embedder } = parts
  try {
    const known = await db.scoped(scope, async tx => {
      await lockCurrent(tx, scope, at)
      return knownDocuments(tx, scope, at.id)
    })
    for (const document of known.values())
      if (document.status === 'ready' && document.metadata.embedder !== embedder.id)
        await embedDocument(scope, parts, at, document, signal)
    await db.scoped(scope, async tx => {
      await lockCurrent(tx, scope, at)
      const { embedder: made } = await countUp(tx, scope, at.id)
      await changeSource(tx, scope, at.id, { embedder: made })
      await tx.emit({ type: 'source.changed', sourceId: at.id })
      await queueIndexTending(tx, scope.tenantId)
    })
  } catch (error) {
    // A synchronisation that has begun meanwhile embeds what it reads with the same model.
    if (error instanceof Superseded) return
    if (!isServiceFailure(error) || error.retryable || signal.aborted) throw error
    parts.log.warn({ err: error, sourceId: at.id }, 'a source could not be embedded anew')
  }
}

async function embedDocument(
  scope: Scope,
  parts: SourceParts,
  at: Pick<SourceRow, 'id' | 'revision'>,
  { id, title, metadata }: KnownDocument,
  signal: AbortSignal,
): Promise<void> {
  const { db, embedder } = parts
  const passages = await db.scoped(scope, tx => passagesOf(tx, scope, id))
  const texts = passages.map(passage => passageText(title, passage))
  const vectors = await embedTexts(scope, parts, { sourceId: at.id, texts }, signal)
  await db.scoped(scope, async tx => {
    // Chunks are replaced under a new revision only, so these are still the ones that were read.
    await lockCurrent(tx, scope, at)
    for (const [place, passage] of passages.entries()) {
      const vector = vectors[place]
      if (vector) await setVector(tx, scope, passage.id, vector)
    }
    await changeDocument(tx, scope, id, { metadata: { ...metadata, embedder: embedder.id } })
  })
}
