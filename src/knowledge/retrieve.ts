import type { Database, Transaction } from '../db/index.ts'
import { type Log, type Metrics, newId, type Scope } from '../kernel/index.ts'
import type { Embedder } from '../providers/embeddings.ts'
import type { Passage as ModelPassage } from '../providers/model.ts'
import type { Reranker } from '../providers/rerank.ts'
import { embedQuery, type Paid, type RecordCost, rank } from './askServices.ts'
import { judge, judgeReworded, type Verdict } from './judge.ts'
import { askedLexemes } from './lexemes.ts'
import { insertRetrieval } from './retrievalStore.ts'
import { createChunkSearch, type FoundChunk, type SearchResult } from './searchStore.ts'

export interface RetrieverParts {
  readonly db: Database
  readonly embedder: Embedder
  readonly reranker?: Reranker | undefined
  readonly log: Log
  readonly metrics: Metrics
  /** As the usage room's `record`. */
  readonly recordCost: RecordCost
  readonly mayKeepWords: MayKeepWords
}

/**
 * Whether what a run searches for may be kept in words, or has been taken back by whoever said it. Asked in the transaction that keeps it, and
 * true until its end.
 */
export type MayKeepWords = (tx: Transaction, scope: Scope, runId: string | undefined) => Promise<boolean>

export interface Asked {
  readonly query: string
  /** Searches what serves this agent; without one, everything. */
  readonly agentId?: string | undefined
  /** Nothing that serves these agents alone. */
  readonly hiddenAgents?: readonly string[] | undefined
  readonly conversationId?: string | undefined
  readonly runId?: string | undefined
  /** What was asked in the visitor's words, where the query is what a model has made of it, and how well that was answered. */
  readonly original?: { readonly question: string; readonly confidence: number } | undefined
  /** How many passages are wanted. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Asks no service that costs: by words alone where vectors are made outside. */
  readonly frugal?: boolean | undefined
}

/** A chunk that was found, as models take it and as it is cited; `id` is the chunk's. */
export interface Passage extends ModelPassage {
  readonly uri: string
  readonly documentId: string
  readonly sourceId: string
  /** The section around it, where that is more than its text. */
  readonly context?: string | undefined
}

export interface Retrieval extends Verdict {
  readonly id: string
  /** Best first. */
  readonly passages: readonly Passage[]
  readonly latencyMs: number
  /** Fulfilled, whatever happens, once the search is on record, or the log says why it is not. Nobody has to wait for it. */
  readonly recorded: Promise<void>
}

/**
 * Looks for what answers a question, by meaning and by words.
 *
 * - The same tenant gets the same passages whatever other tenants have.
 * - Without an embedder that works it searches by words alone; without a reranker that works the order of the search stands. The record says so.
 * - An aborted signal throws. No transaction is open while a service is waited for.
 */
export interface Retriever {
  retrieve(scope: Scope, asked: Asked): Promise<Retrieval>
}

const usualLimit = 6
/** What a ranking service reads. */
const toRerank = 30
const longestQuery = 2_000

export function createRetriever(parts: RetrieverParts): Retriever {
  const { db, embedder, reranker, metrics } = parts
  const searchChunks = createChunkSearch()
  return {
    retrieve: async (scope, { limit = usualLimit, ...given }) => {
      const started = performance.now()
      const asked = { ...given, query: given.query.trim().slice(0, longestQuery) }
      const { vector, paid } = await embedQuery(parts, asked)
      const search = async () => {
        const result = await searchChunks(db, scope, {
          embedder: embedder.id,
          vector,
          lexemes: askedLexemes(asked.query),
          agentId: asked.agentId,
          hiddenAgents: asked.hiddenAgents,
          withText: reranker ? Math.max(toRerank, limit) : limit,
        })
        return { result, ranking: await rank(parts, asked, result.found) }
      }
      const { result, ranking } = await search().catch(async error => {
        // Its vector was made, whatever became of it.
        await pay(parts, scope, asked, paid)
        throw error
      })
      const chunks = ranking.chunks.slice(0, limit)
      const verdict = asked.original
        ? judgeReworded(asked.query, chunks, asked.original)
        : judge(asked.query, chunks)
      const latencyMs = performance.now() - started
      metrics.retrievals.observe({ method: result.method }, latencyMs / 1_000)
      const done = { id: newId(), asked, result, ranking, chunks, verdict, latencyMs }
      const recorded = record(parts, scope, done).then(() =>
        pay(parts, scope, asked, [...paid, ...ranking.paid]),
      )
      return { id: done.id, passages: chunks.map(passageOf), ...verdict, latencyMs, recorded }
    },
  }
}

interface Done {
  readonly id: string
  readonly asked: Asked
  readonly result: SearchResult
  readonly ranking: { readonly by: string | undefined; readonly chunks: readonly FoundChunk[] }
  readonly chunks: readonly FoundChunk[]
  readonly verdict: Verdict
  readonly latencyMs: number
}

/** An answer is worth more than the record of its search: what cannot be written is logged. */
async function record(
  { db, log, embedder, mayKeepWords }: RetrieverParts,
  scope: Scope,
  { id, asked, result, ranking, chunks, verdict, latencyMs }: Done,
): Promise<void> {
  const { query, agentId, conversationId, runId } = asked
  const reranked = new Map(ranking.chunks.map(({ chunkId, rerankScore }) => [chunkId, rerankScore]))
  try {
    await db.scoped(scope, async tx =>
      insertRetrieval(tx, scope, {
        ...{ id, agentId, conversationId, runId, latencyMs, ...verdict },
        query: (await mayKeepWords(tx, scope, runId)) ? query : '',
        method: result.method,
        embedder: embedder.id,
        reranker: ranking.by,
        candidates: result.candidates.map(candidate => {
          const rerankScore = reranked.get(candidate.chunkId)
          return { ...candidate, ...(rerankScore !== undefined && { rerankScore }) }
        }),
        chosen: chunks.map(({ chunkId }) => chunkId),
      }),
    )
  } catch (error) {
    log.error({ err: error, tenantId: scope.tenantId, retrievalId: id }, 'a search could not be recorded')
  }
}

/** What it cost, and likewise. */
async function pay(
  { log, recordCost }: RetrieverParts,
  scope: Scope,
  { agentId, conversationId, runId }: Asked,
  paid: readonly Paid[],
): Promise<void> {
  const about = {
    ...(agentId !== undefined && { agentId }),
    ...(conversationId !== undefined && { conversationId }),
    ...(runId !== undefined && { runId }),
  }
  try {
    for (const call of paid) await recordCost(scope, { ...call, ...about })
  } catch (error) {
    log.error({ err: error, tenantId: scope.tenantId }, 'what a search cost could not be recorded')
  }
}

const passageOf = (chunk: FoundChunk, at: number): Passage => ({
  number: at + 1,
  id: chunk.chunkId,
  title: chunk.title,
  text: chunk.text,
  uri: chunk.uri,
  documentId: chunk.documentId,
  sourceId: chunk.sourceId,
  ...(chunk.section !== '' && { section: chunk.section }),
  ...(chunk.page !== null && { page: chunk.page }),
  ...(chunk.context !== null && { context: chunk.context }),
})
