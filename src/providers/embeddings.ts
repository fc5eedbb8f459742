import { ServiceFailure } from './failure.ts'

/** What a vector has, whoever made it; columns and indexes are made for it. */
export const dimensions = 1536

/**
 * Turns texts into vectors that are near each other where the texts mean about the same.
 *
 * - One vector for each text, in the order of the texts, with `dimensions` numbers and length 1, whatever the text.
 * - Vectors can be compared only if they were made under the same `id`. So it is kept with what they were made of.
 * - The same text gets the same vector (of a service, as far as it keeps to that).
 * - All texts or none. What goes wrong is a `ServiceFailure`; it tries once.
 */
export interface Embedder {
  /** Names model and dimension. */
  readonly id: string
  readonly dimensions: typeof dimensions
  embed(texts: readonly string[], options: EmbedOptions): Promise<Embedded>
}

export interface EmbedOptions {
  /** What somebody asks, or what may answer it. Some models treat them differently. */
  readonly kind: 'query' | 'passage'
  readonly signal?: AbortSignal
}

export interface Embedded {
  readonly vectors: Float32Array[]
  /** How many tokens the texts had, as the service counts them, otherwise about. */
  readonly tokens: number
}

/** The same direction with length 1; undefined where there is none. */
export function normalised(vector: Float32Array): Float32Array | undefined {
  let squares = 0
  for (const number of vector) squares += number * number
  const length = Math.sqrt(squares)
  if (!Number.isFinite(length) || length === 0) return undefined
  return vector.map(number => number / length)
}

export const notWanted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted) throw new ServiceFailure('aborted', 'the request was given up')
}
