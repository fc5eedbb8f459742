import { z } from 'zod'
import { defineJob, handle, type JobHandler, type Transaction } from '../db/index.ts'
import { ParleyError, type Scope, systemScope } from '../kernel/index.ts'
import { countUp, knownDocuments, onlyProblem, removeDocuments } from './documentStore.ts'
import { type Ending, findingOf } from './origins/index.ts'
import type { SourceParts } from './parts.ts'
import { type Problem, problem, problemOf } from './problems.ts'
import { lockCurrent, type Run, Superseded, tellProgress } from './run.ts'
import { changeSource, readSource, type SourceRow, type SourceValues } from './sourceStore.ts'
import { isSettled, takeFound } from './takeDocument.ts'
import { queueIndexTending } from './tendIndex.ts'

const syncJob = {
  payload: z.object({ tenantId: z.uuid(), sourceId: z.uuid(), revision: z.int() }),
  retryLimit: 20,
  // A tenant with many sources has its turn, and no more, of what all tenants share.
  ownedBy: ({ tenantId }: { readonly tenantId: string }) => tenantId,
}
const limitSeconds = 3 * 3_600

/** For what lies here already: texts and uploads. */
const syncSourceJob = defineJob({ ...syncJob, name: 'sync-source', long: { atOnce: 3, limitSeconds } })

/** For what is fetched from elsewhere. A site that never ends, or never answers, takes hours, which no text should wait for. */
const crawlSourceJob = defineJob({ ...syncJob, name: 'crawl-source', long: { atOnce: 4, limitSeconds } })

const jobFor = {
  text: syncSourceJob,
  file: syncSourceJob,
  url: crawlSourceJob,
  github: crawlSourceJob,
} as const satisfies Record<SourceRow['type'], unknown>

export const queueSync = (tx: Transaction, { tenantId, id, revision, type }: SourceRow): Promise<void> =>
  tx.enqueue(jobFor[type], { tenantId, sourceId: id, revision })

export const syncHandlers = (parts: SourceParts): JobHandler[] =>
  [syncSourceJob, crawlSourceJob].map(job =>
    handle(job, ({ tenantId, sourceId, revision }, signal) =>
      synchronise(systemScope(tenantId, job.name), parts, { id: sourceId, revision }, signal),
    ),
  )

/**
 * Reads a source and stores what has changed in it. Done again from the beginning, for instance after its node was killed, it finds the documents
 * that it has stored and leaves them. Of two at once, the older one stores nothing more; two of one revision do the same work and store the same.
 */
export async function synchronise(
  scope: Scope,
  parts: SourceParts,
  { id, revision }: Pick<SourceRow, 'id' | 'revision'>,
  signal: AbortSignal,
): Promise<void> {
  const run = await begin(scope, parts, { id, revision }, signal)
  if (!run) return
  try {
    await conclude(parts, run, await takeAll(parts, run))
  } catch (error) {
    if (error instanceof Superseded) return
    // The node stops, or the database is away: the queue tries again.
    if (signal.aborted || (error instanceof ParleyError && error.code === 'unavailable')) throw error
    const known = problemOf(error)
    if (!known) parts.log.error({ err: error, sourceId: id }, 'a source could not be synchronised')
    await fail(parts, run, known ?? problem('internal'))
  }
}

async function begin(
  scope: Scope,
  { db }: SourceParts,
  { id, revision }: Pick<SourceRow, 'id' | 'revision'>,
  signal: AbortSignal,
): Promise<Run | undefined> {
  return db.scoped(scope, async tx => {
    const source = await readSource(tx, scope, id)
    // Done already, or somebody has asked anew.
    if (source?.revision !== revision || source.status !== 'processing') return undefined
    const known = await knownDocuments(tx, scope, id)
    const run = { scope, source, known, seen: new Set<string>(), signal, total: null, toldAt: 0 }
    await tellProgress(tx, run, 'fetching')
    return run
  })
}

async function takeAll(parts: SourceParts, run: Run): Promise<Ending> {
  const versions = new Map<string, string>()
  for (const [uri, document] of run.known)
    if (document.metadata.version !== undefined && isSettled(document, parts.embedder.id))
      versions.set(uri, document.metadata.version)
  const finding = findingOf(parts, run, versions)
  try {
    for (;;) {
      const step = await finding.next()
      if (step.done) return step.value
      run.signal.throwIfAborted()
      await takeFound(parts, run, step.value)
    }
  } finally {
    await finding.return({ complete: false })
  }
}

/** What was not come upon is not there any more, if all was looked through. */
async function conclude({ db, embedder }: SourceParts, run: Run, ending: Ending): Promise<void> {
  const { scope, source, known, seen } = run
  const gone = [...known.values()].filter(({ uri }) => !seen.has(uri))
  await db.scoped(scope, async tx => {
    await lockCurrent(tx, scope, source)
    if (ending.complete)
      await removeDocuments(
        tx,
        scope,
        gone.map(({ id }) => id),
      )
    const { failed, embedder: made, ...counts } = await countUp(tx, scope, source.id)
    const nothing = counts.documentCount === 0
    const why = nothing
      ? ((await onlyProblem(tx, scope, source.id)) ?? ending.problem ?? problem('nothing_found'))
      : (ending.problem ?? (failed > 0 ? problem('some_failed') : undefined))
    await close(tx, run, {
      ...counts,
      status: nothing ? 'error' : 'ready',
      ...{ errorCode: why?.code ?? null, errorMessage: why?.message ?? null },
      // Where some were kept that another model had made, a chore embeds them anew.
      embedder: made === embedder.id || nothing ? embedder.id : null,
    })
  })
}

/** What was there before stays, and so does what came before it failed. */
async function fail({ db }: SourceParts, run: Run, { code, message }: Problem): Promise<void> {
  const { scope, source } = run
  try {
    await db.scoped(scope, async tx => {
      await lockCurrent(tx, scope, source)
      const { failed: _, embedder, ...counts } = await countUp(tx, scope, source.id)
      const error = { status: 'error', errorCode: code, errorMessage: message } as const
      await close(tx, run, { ...counts, ...error, embedder })
    })
  } catch (error) {
    if (!(error instanceof Superseded)) throw error
  }
}

async function close(tx: Transaction, { scope, source, seen }: Run, values: SourceValues): Promise<void> {
  const progress = { stage: 'done', done: seen.size, total: seen.size } as const
  await changeSource(tx, scope, source.id, { ...values, progress, syncedAt: new Date() })
  await tx.emit({ type: 'source.changed', sourceId: source.id })
  await queueIndexTending(tx, scope.tenantId)
}
