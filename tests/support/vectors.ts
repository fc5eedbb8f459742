import { seededRandom } from '../../loadtest/simulation/random.ts'
import { dimensions, type Embedder, normalised } from '../../src/providers/embeddings.ts'

/** Around one of so many centres, as texts gather around subjects. */
export function clusteredVector(seed: number, clusters: number): Float32Array {
  const centre = seededRandom(1_000_003 * ((seed % clusters) + 1)).next
  const own = seededRandom(seed + 17).next
  const vector = Float32Array.from({ length: dimensions }, () => centre() - 0.5 + 0.8 * (own() - 0.5))
  const unit = normalised(vector)
  if (!unit) throw new Error('a vector without direction')
  return unit
}

/** The vector of `7` is the seventh. */
export const numberedEmbedder = (clusters: number): Embedder => ({
  id: `numbered/${dimensions}`,
  dimensions,
  embed: async texts => ({
    vectors: texts.map(text => clusteredVector(Number(/\d+/.exec(text)?.[0] ?? 0), clusters)),
    tokens: texts.length,
  }),
})
