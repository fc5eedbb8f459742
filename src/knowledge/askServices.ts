import type { Log, Scope } from '../kernel/index.ts'
import type { Embedder } from '../providers/embeddings.ts'
import type { Reranker } from '../providers/rerank.ts'
import type { CallMade } from '../usage/index.ts'
import type { FoundChunk } from './searchStore.ts'

/** What a call cost, for whoever keeps the books. */
export type Paid = Pick<CallMade, 'service' | 'provider' | 'model' | 'inputTokens' | 'units'>
export type RecordCost = (scope: Scope, call: CallMade) => Promise<unknown>

interface Question {
  readonly query: string
  readonly signal?: AbortSignal | undefined
  readonly frugal?: boolean | undefined
}

/** A call of an embedder; undefined of the built-in one, which calls nobody. Its id names model and dimension. */
export function embeddingCall(embedder: Embedder, tokens: number, units: number): Paid | undefined {
  const model = embedder.id.slice(0, embedder.id.lastIndexOf('/'))
  if (model.startsWith('built-in')) return undefined
  return { service: 'embedding', provider: 'openai', model, inputTokens: tokens, units }
}

/** The question's vector; none where the service fails, because words can be searched without it. */
export async function embedQuery(
  { embedder, log }: { readonly embedder: Embedder; readonly log: Log },
  { query, signal, frugal }: Question,
): Promise<{ vector: Float32Array | undefined; paid: Paid[] }> {
  signal?.throwIfAborted()
  if (query === '' || (frugal && embeddingCall(embedder, 0, 1))) return { vector: undefined, paid: [] }
  try {
    const { vectors, tokens } = await embedder.embed([query], { kind: 'query', ...(signal && { signal }) })
    const call = embeddingCall(embedder, tokens, 1)
    return { vector: vectors[0], paid: call ? [call] : [] }
  } catch (error) {
    signal?.throwIfAborted()
    log.warn(
      { err: error, embedder: embedder.id },
      'a question could not be embedded and is searched by words',
    )
    return { vector: undefined, paid: [] }
  }
}

export interface Ranking {
  /** Whose order it is; undefined where that of the search stands. */
  readonly by: string | undefined
  readonly chunks: readonly FoundChunk[]
  readonly paid: readonly Paid[]
}

/** Best first. What the service leaves out comes after what it ranks, in the order it had. */
export async function rank(
  { reranker, log }: { readonly reranker?: Reranker | undefined; readonly log: Log },
  { query, signal, frugal }: Question,
  chunks: readonly FoundChunk[],
): Promise<Ranking> {
  signal?.throwIfAborted()
  if (!reranker || frugal || chunks.length === 0) return { by: undefined, chunks, paid: [] }
  try {
    const texts = chunks.map(({ title, section, text }) => [title, section, text].filter(Boolean).join('\n'))
    const scores = await reranker.rerank(query, texts, { ...(signal && { signal }) })
    const ranked = scores.flatMap(({ index, score }) => {
      const chunk = chunks[index]
      return chunk ? [{ ...chunk, rerankScore: score }] : []
    })
    const known = new Set(ranked.map(({ chunkId }) => chunkId))
    const { model } = reranker
    return {
      by: model,
      chunks: [...ranked, ...chunks.filter(({ chunkId }) => !known.has(chunkId))],
      paid: [{ service: 'rerank', provider: 'rerank', model, units: chunks.length }],
    }
  } catch (error) {
    signal?.throwIfAborted()
    log.warn({ err: error, reranker: reranker.model }, 'a ranking failed; the order of the search stands')
    return { by: undefined, chunks, paid: [] }
  }
}
