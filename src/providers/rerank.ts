import { z } from 'zod'
import type { Secret } from '../kernel/index.ts'
import { Deadlines } from './deadlines.ts'
import { connectionFailure, failureOf, ServiceFailure } from './failure.ts'

/**
 * Says how well each document answers a query, by reading both together. There is none built in: without it, the order of the search stands.
 *
 * - Best first; every index at most once, of the documents that were given; at most `topN` of them.
 * - Scores are from 0 to 1, and comparable within one answer.
 * - Nothing is asked for no documents. What goes wrong is a `ServiceFailure`; it tries once.
 */
export interface Reranker {
  /** As the service names it. */
  readonly model: string
  rerank(
    query: string,
    documents: readonly string[],
    options?: { readonly topN?: number; readonly signal?: AbortSignal },
  ): Promise<readonly Score[]>
}

export interface Score {
  readonly index: number
  readonly score: number
}

export interface RerankSettings {
  /** The whole address, such as https://api.cohere.com/v2/rerank or https://api.jina.ai/v1/rerank. */
  readonly url: string
  readonly apiKey?: Secret | undefined
  readonly model: string
  readonly totalMs?: number
}

const answered = z.object({
  results: z.array(z.object({ index: z.int().min(0), relevance_score: z.number() })),
})

/** Cohere, Jina, and servers that speak like them. */
export function createReranker(settings: RerankSettings): Reranker {
  const { totalMs = 10_000 } = settings
  return {
    model: settings.model,
    async rerank(query, documents, { topN = documents.length, signal } = {}) {
      if (documents.length === 0 || topN < 1) return []
      const deadlines = new Deadlines({ firstMs: totalMs + 1, idleMs: totalMs + 1, totalMs }, signal)
      const body = { model: settings.model, query, documents, top_n: Math.min(topN, documents.length) }
      try {
        const { results } = await deadlines.next(() => ask(settings, body, deadlines.signal))
        return scoresOf(results, documents.length).slice(0, topN)
      } catch (error) {
        throw connectionFailure(error, false)
      } finally {
        deadlines.close(true)
      }
    },
  }
}

async function ask({ url, apiKey }: RerankSettings, body: object, signal: AbortSignal) {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(apiKey && { authorization: `Bearer ${apiKey.reveal()}` }),
    },
    body: JSON.stringify(body),
    signal,
  })
  const { status, headers } = response
  const text = await response.text()
  if (!response.ok) throw failureOf({ status, headers, message: text })
  const answer = answered.safeParse(jsonOf(text))
  if (!answer.success) throw new ServiceFailure('unavailable', 'the service gave what is no ranking')
  return answer.data
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Some servers give the bare output of their model, any number: then all of an answer is brought between 0 and 1, in the same order. */
function scoresOf(results: z.infer<typeof answered>['results'], count: number): Score[] {
  const bare = results.some(({ relevance_score: score }) => score < 0 || score > 1)
  const scores = new Map<number, number>()
  for (const { index, relevance_score: score } of results)
    if (index < count && !scores.has(index)) scores.set(index, bare ? 1 / (1 + Math.exp(-score)) : score)
  return [...scores].map(([index, score]) => ({ index, score })).sort((one, other) => other.score - one.score)
}
