import { dimensions } from '../../src/providers/embeddings.ts'
import { seededRandom } from '../simulation/random.ts'

const centres = 64
/** Of what texts about one subject differ in: the vectors of real models fill far fewer directions than they have numbers. */
const directions = 32

/** What all vectors have in common, whoever draws them. */
const subjectSeed = 64

/**
 * Draws vectors that gather around subjects, which all tenants share: the hardest case for keeping them apart. Questions are drawn in the same
 * way by another seed: around other subjects they would be about nothing that anybody has.
 */
export function createVectors(seed: number): () => Float32Array {
  const common = spread(seededRandom(subjectSeed).next)
  const { next } = seededRandom(seed)
  const random = spread(next)
  const fill = () => Float32Array.from({ length: dimensions }, common)
  const subjects = Array.from({ length: centres }, fill)
  const axes = Array.from({ length: directions }, fill)
  // Read from a new place each time instead of drawn anew: of the noise nothing more is wanted than that it is everywhere.
  const noise = Float32Array.from({ length: 1 << 18 }, random)
  return () => {
    const subject = subjects[Math.floor(next() * centres)] ?? noise
    const start = Math.floor(next() * (noise.length - dimensions))
    const vector = new Float32Array(dimensions)
    for (let at = 0; at < dimensions; at++) vector[at] = (subject[at] ?? 0) + 0.15 * (noise[start + at] ?? 0)
    for (const axis of axes) {
      const share = 0.35 * random()
      for (let at = 0; at < dimensions; at++) vector[at] = (vector[at] ?? 0) + share * (axis[at] ?? 0)
    }
    return vector
  }
}

/** Around nothing, like a bell. */
const spread = (next: () => number) => () => next() + next() + next() - 1.5

/** As pgvector reads it in binary: the number of dimensions, then each as half of a float. */
export function halfBytes(vector: Float32Array): Buffer {
  const bytes = Buffer.alloc(4 + 2 * vector.length)
  bytes.writeInt16BE(vector.length, 0)
  for (const [at, value] of vector.entries()) bytes.writeUInt16BE(halfOf(value), 4 + 2 * at)
  return bytes
}

const floats = new Float32Array(1)
const bits = new Uint32Array(floats.buffer)

/** Rounded towards nothing; what is too small for a half becomes nothing. */
function halfOf(value: number): number {
  floats[0] = value
  const all = bits[0] ?? 0
  const exponent = ((all >>> 23) & 0xff) - 112
  if (exponent <= 0) return 0
  return ((all >>> 16) & 0x8000) | (exponent << 10) | ((all >>> 13) & 0x3ff)
}
