import OpenAI from 'openai'
import { estimateTokens } from '../kernel/index.ts'
import { Deadlines } from './deadlines.ts'
import { dimensions, type Embedder, normalised } from './embeddings.ts'
import { ServiceFailure } from './failure.ts'
import { createOpenaiClient, failureOfOpenai, type OpenaiSettings } from './openaiClient.ts'

export interface OpenaiEmbedderSettings extends OpenaiSettings {
  readonly model: string
  /** For one request. */
  readonly totalMs?: number
}

/** Of one request: OpenAI takes more, smaller servers do not. */
const mostTexts = 96
const mostTokens = 50_000

/** Trained so that the beginning of a vector is a vector too; those of other models must not be shortened. */
const shortenable =
  /text-embedding-3|gemini-embedding|qwen3-embedding|jina-embeddings-v[3-9]|voyage-3|embed-v4|nomic-embed-text-v1\.5/i

/**
 * Any server that speaks OpenAI's embeddings. It is asked for 1536 dimensions. Where it does not know that wish, it is asked without, and
 * its vectors are fitted: shorter ones are filled with zeros, which changes no angle; longer ones are cut off and made length 1 again if
 * the model is known to be made for that, and are otherwise refused as `misconfigured`.
 */
export function createOpenaiEmbedder(settings: OpenaiEmbedderSettings): Embedder {
  const client = createOpenaiClient(settings)
  const { model, totalMs = 60_000 } = settings
  // Older than the wish: has 1536 by itself and refuses to be asked.
  let asksForDimensions = model !== 'text-embedding-ada-002'
  const request = async (input: string[], signal: AbortSignal) => {
    const body = { model, input, encoding_format: 'float' as const }
    if (!asksForDimensions) return client.embeddings.create(body, { signal })
    try {
      return await client.embeddings.create({ ...body, dimensions }, { signal })
    } catch (error) {
      if (!isAboutDimensions(error)) throw error
      asksForDimensions = false
      return client.embeddings.create(body, { signal })
    }
  }
  return {
    id: `${model}/${dimensions}`,
    dimensions,
    async embed(texts, { signal }) {
      const vectors: Float32Array[] = []
      let tokens = 0
      for (const batch of batchesOf(texts)) {
        const answer = await within(totalMs, signal, inner => request(batch, inner))
        vectors.push(...vectorsOf(answer, batch.length, model))
        tokens += answer.usage?.total_tokens ?? batch.reduce((sum, text) => sum + estimateTokens(text), 0)
      }
      return { vectors, tokens }
    },
  }
}

async function within<Answer>(
  totalMs: number,
  signal: AbortSignal | undefined,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const deadlines = new Deadlines({ firstMs: totalMs + 1, idleMs: totalMs + 1, totalMs }, signal)
  try {
    return await deadlines.next(() => ask(deadlines.signal))
  } catch (error) {
    throw failureOfOpenai(error, false)
  } finally {
    deadlines.close(true)
  }
}

function* batchesOf(texts: readonly string[]): Generator<string[]> {
  let batch: string[] = []
  let tokens = 0
  for (const text of texts) {
    const more = estimateTokens(text)
    if (batch.length === mostTexts || (batch.length > 0 && tokens + more > mostTokens)) {
      yield batch
      batch = []
      tokens = 0
    }
    // OpenAI refuses the whole request for one empty text.
    batch.push(text.trim() === '' ? ' ' : text)
    tokens += more
  }
  if (batch.length > 0) yield batch
}

const isAboutDimensions = (error: unknown): boolean =>
  error instanceof OpenAI.APIError &&
  (error.status === 400 || error.status === 422) &&
  /dimension|matryoshka/i.test(`${error.param ?? ''} ${error.message}`)

function vectorsOf(answer: OpenAI.CreateEmbeddingResponse, count: number, model: string): Float32Array[] {
  const vectors: Float32Array[] = []
  for (const [place, { index = place, embedding }] of [...(answer.data ?? [])].entries())
    vectors[index] = fitted(embedding, model)
  const whole = Array.from({ length: count }, (_, at) => vectors[at]).filter(vector => vector !== undefined)
  if (whole.length !== count || vectors.length !== count)
    throw new ServiceFailure('unavailable', 'the service gave another number of vectors than of texts')
  return whole
}

function fitted(embedding: unknown, model: string): Float32Array {
  if (!Array.isArray(embedding) || embedding.length === 0)
    throw new ServiceFailure('unavailable', 'the service gave what is no vector')
  if (embedding.length > dimensions && !shortenable.test(model)) {
    const sizes = `${embedding.length} dimensions, and at most ${dimensions} fit`
    throw new ServiceFailure('misconfigured', `the vectors of this model have ${sizes}; choose another model`)
  }
  const vector = new Float32Array(dimensions)
  vector.set(embedding.slice(0, dimensions))
  const unit = normalised(vector)
  if (!unit) throw new ServiceFailure('unavailable', 'the service gave a vector without a direction')
  return unit
}
