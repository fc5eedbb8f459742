import { isReferring, isSmall, likenessTo, mostAlike, stemOf, wordsOf } from '../kernel/index.ts'
import type { judgements } from './schema.ts'

export type Judgement = (typeof judgements)[number]

/** What is known of a passage before somebody reads it. */
export interface Evidence {
  readonly title: string
  readonly section: string
  readonly text: string
  readonly vectorScore?: number
  readonly rerankScore?: number
}

export interface Verdict {
  /** From 0 to 1. */
  readonly confidence: number
  readonly judgement: Judgement
}

const confidentFrom = 0.55
const unsureFrom = 0.3

/** Nearness of vectors: below, texts have nothing to do with each other; above, they say the same. Models differ, so it only helps. */
const far = 0.12
const near = 0.5
/** What nearness alone can reach: with a real model, of texts that share no word because they are in different languages, say. */
const mostByNearness = 0.8

/** "How much does it cost?" is answered by every price: one word beside such a word needs what was said before. */
const needsMore = 0.65
/**
 * How likely it is that the passages answer the question. A ranking service has read both and is believed. Otherwise it is how much of the
 * question's words the best passage has, rare ones first, and how near its vector is.
 */
export function judge(question: string, passages: readonly Evidence[]): Verdict {
  const ranked = passages.flatMap(({ rerankScore }) => (rerankScore === undefined ? [] : [rerankScore]))
  const confidence = ranked.length > 0 ? Math.max(...ranked) : byWordsAndNearness(question, passages)
  return { confidence, judgement: judgementOf(confidence) }
}

/**
 * How likely it is that what other words have found answers the question as it was asked. Whoever words a question in the words of documents
 * finds documents: so it is confident only where something speaks for it that the visitor has said. A question that says nothing by itself,
 * "And how much is it?", is what it was worded as.
 */
export function judgeReworded(
  query: string,
  passages: readonly Evidence[],
  original: { readonly question: string; readonly confidence: number },
): Verdict {
  const own = judge(query, passages)
  if (saysLittle(original.question)) return own
  const texts = passages.map(({ title, section, text }) => ({ title, section, text }))
  const meant = Math.max(original.confidence, judge(original.question, texts).confidence)
  const confidence = Math.min(own.confidence, Math.sqrt(own.confidence * meant))
  return { confidence, judgement: judgementOf(confidence) }
}

const termsOf = (words: readonly string[]): string[] => [
  ...new Set(words.filter(word => !isSmall(word)).map(stemOf)),
]

/** What it is about was said before. */
function saysLittle(question: string): boolean {
  const words = wordsOf(question)
  const terms = termsOf(words)
  return terms.length === 0 || (terms.length < 2 && words.some(isReferring))
}

const judgementOf = (confidence: number): Judgement => {
  if (confidence >= confidentFrom) return 'confident'
  return confidence >= unsureFrom ? 'unsure' : 'none'
}

function byWordsAndNearness(question: string, passages: readonly Evidence[]): number {
  const words = wordsOf(question)
  const terms = termsOf(words)
  const refers = terms.length < 2 && words.some(isReferring)
  const covered = coverage(terms, passages)
  const scores = passages.map(({ vectorScore }, at) => {
    const cover = covered[at] ?? 0
    if (vectorScore === undefined) return 0.85 * cover
    const nearness = Math.min(1, Math.max(0, (vectorScore - far) / (near - far)))
    return Math.max(0.7 * cover + 0.3 * nearness, mostByNearness * nearness ** 2)
  })
  return Math.max(0, ...scores) * (refers ? needsMore : 1)
}

/** Of each passage, the share of what the question asks for that it has. */
function coverage(terms: readonly string[], passages: readonly Evidence[]): number[] {
  const stems = passages.map(
    ({ title, section, text }) => new Set(wordsOf(`${title}\n${section}\n${text}`).map(stemOf)),
  )
  const shares = terms.map(term => stems.map(passage => bestMatch(term, passage)))
  // What none has, says as much as what one has: then the question may have no answer here.
  const weights = shares.map(share => {
    const having = Math.max(1, share.filter(value => value > 0).length)
    return Math.log(1 + (passages.length - having + 0.5) / (having + 0.5)) + 0.5
  })
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  if (all === 0) return passages.map(() => 0)
  return passages.map(
    (_, at) => shares.reduce((sum, share, term) => sum + (weights[term] ?? 0) * (share[at] ?? 0), 0) / all,
  )
}

function bestMatch(term: string, passage: ReadonlySet<string>): number {
  if (passage.has(term)) return 1
  const likeness = likenessTo(term)
  let best = 0
  for (const stem of passage) {
    const alike = likeness(stem)
    if (alike > best) best = alike
    // No other stem than the term itself is more like it.
    if (best >= mostAlike) break
  }
  return best
}
