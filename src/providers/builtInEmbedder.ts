import { conceptsOf, estimateTokens, isSmall, stemOf, takingTurns, wordsOf } from '../kernel/index.ts'
import { dimensions, type Embedder, normalised, notWanted } from './embeddings.ts'

/**
 * Vectors without a model: each word, its stem, what it means where that is known, and its parts of three and four letters each add to a
 * place of their own, found by hashing. So texts are near each other when they share words or forms of them, in any language; of meaning
 * it knows only the few synonyms of meanings.ts. A change of anything here is a new id.
 */
export const builtInEmbedder: Embedder = {
  id: `built-in-4/${dimensions}`,
  dimensions,
  async embed(texts, { signal }) {
    notWanted(signal)
    const othersToo = takingTurns()
    const vectors: Float32Array[] = []
    for (const text of texts) {
      vectors.push(vectorOf(text))
      await othersToo()
    }
    return {
      vectors,
      tokens: texts.reduce((sum, text) => sum + estimateTokens(text), 0),
    }
  },
}

/** How much a feature says, by what it is. */
const shares = { word: 0.5, stem: 1, concept: 1, part: 0.6, small: 0.1 } as const

function vectorOf(text: string): Float32Array {
  const features = new Map<string, number>()
  const add = (feature: string, weight: number) =>
    features.set(feature, (features.get(feature) ?? 0) + weight)
  const counts = new Map<string, number>()
  for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1)
  for (const [word, count] of counts) addWord(word, 1 + Math.log(count), add)
  const vector = new Float32Array(dimensions)
  for (const [feature, weight] of features) {
    const hash = hashOf(feature)
    const place = hash % dimensions
    // The sign comes from a bit that the place does not depend on, so that features that meet cancel out as often as they add up.
    vector[place] = (vector[place] ?? 0) + (hash & 0x8000_0000 ? -weight : weight)
  }
  return normalised(vector) ?? nothing()
}

function addWord(word: string, weight: number, add: (feature: string, weight: number) => void): void {
  if (isSmall(word)) {
    add(`small ${word}`, shares.small * weight)
    return
  }
  const stem = stemOf(word)
  const concepts = conceptsOf(stem)
  add(`word ${word}`, shares.word * weight)
  add(`stem ${stem}`, shares.stem * weight)
  for (const concept of concepts) add(concept, (shares.concept * weight) / concepts.length)
  const parts = partsOf(stem)
  for (const part of parts) add(`part ${part}`, (shares.part * weight) / Math.sqrt(parts.length))
}

function partsOf(stem: string): string[] {
  const framed = `^${stem}$`
  const parts: string[] = []
  for (const length of [3, 4])
    for (let at = 0; at + length <= framed.length; at++) parts.push(framed.slice(at, at + length))
  return parts
}

/** FNV-1a with a last stir, which it needs for its high bits. */
function hashOf(feature: string): number {
  let hash = 0x811c_9dc5
  for (let at = 0; at < feature.length; at++) hash = Math.imul(hash ^ feature.charCodeAt(at), 0x0100_0193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

/** For a text without a word: a vector has length 1, because nearness to one without direction is not defined. */
function nothing(): Float32Array {
  const vector = new Float32Array(dimensions)
  vector[0] = 1
  return vector
}
