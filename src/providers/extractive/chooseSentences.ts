import { setImmediate as otherWork } from 'node:timers/promises'
import { languageOf } from '../../kernel/index.ts'
import type { Passage } from '../model.ts'
import { type Candidate, candidatesOf } from './candidates.ts'
import { type Kind, kindOf } from './kinds.ts'
import { leansOn, quoteOf } from './quote.ts'
import {
  type Asked,
  formOf,
  formsOf,
  remembering,
  type Sharing,
  sharingOf,
  type Term,
  termsOf,
} from './terms.ts'

export interface Chosen {
  readonly text: string
  readonly passage: Passage
}

/** How much it counts that a term is not in a line but near it. */
const near = { above: 0.75, around: 0.5, before: 0.5, leaning: 0.9, after: 0.3, looks: 0.8 } as const
/** How much a term counts, besides being rare. */
const counts = {
  /** What the passages know nothing of says a little more than what one line has. */
  strange: 1.15,
  /** Half of a word may be the end of one and the beginning of another. */
  unspaced: 0.35,
  does: 0.6,
  /** At most. */
  faint: 0.6,
  said: 1,
  /** At most, of an article: what holds for all of them does not name it. */
  article: 1,
} as const
/** Below this share of what was asked, weighted by rarity, a line is about something else. */
const leastCover = 0.47
/** The same of one that looks as an answer should. */
const leastFitting = 0.42
const leastOwn = 0.2
/** The same of what is asked about an article, without the article. */
const leastIntent = 0.3
/** Of a passage in another language than the question. */
const foreign = 0.7
const mostSentences = 3

/**
 * The sentences that answer a question, best first; none where nothing answers it. Other work comes in between passages: six
 * of a thousand tokens keep a processor busy for longer than a message may wait.
 */
export async function chooseSentences(asked: Asked, passages: readonly Passage[]): Promise<Chosen[]> {
  const form = remembering(formOf)
  const kind = kindOf(asked.last)
  const terms = termsOf(asked, kind)
  if (terms.length === 0) return []
  const sharing = sharingOf(terms)
  const candidates: Candidate[] = []
  for (const [rank, passage] of passages.entries()) {
    await otherWork()
    candidates.push(...candidatesOf(passage, rank, sharing, form))
  }
  await otherWork()
  const articles = articlesOf(terms, candidates, sharing, form)
  const question: Question = { terms, articles, weights: weightsOf(terms, articles, candidates), kind }
  const language = languageOf(asked.last)
  const native = new Set(passages.filter(({ text }) => languageOf(text.slice(0, longestSample)) === language))
  const ranked = candidates
    .map(candidate => ({
      candidate,
      score: scoreOf(candidate, question) * (native.has(candidate.passage) ? 1 : foreign),
    }))
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score)
  const says = (text: string) =>
    sharing(formsOf(text, form)).some((share, at) => share > 0 && !terms[at]?.faint)
  return spread(ranked).map(candidate => ({
    text: quoteOf(candidate, kind, says),
    passage: candidate.passage,
  }))
}

/** Tells the language of a passage. */
const longestSample = 500

interface Question {
  readonly terms: readonly Term[]
  /** Whether a term is what a row of a table is about. */
  readonly articles: readonly boolean[]
  readonly weights: readonly number[]
  readonly kind: Kind | undefined
}

/** "Can I return the lamp?" is about returns, however rare lamps are. What has a name, as Norway, is meant itself. */
function articlesOf(
  terms: readonly Term[],
  candidates: readonly Candidate[],
  sharing: Sharing,
  form: (word: string) => string,
): boolean[] {
  const subjects = candidates.flatMap(({ line: { cells } }) => cells?.[0]?.value ?? [])
  const shares = sharing(formsOf(subjects.join('\n'), form))
  return terms.map(({ own }, at) => !own && (shares[at] ?? 0) > 0)
}

/** What few lines have, says more. What none has, says that the question may have no answer here. */
const weightsOf = (
  terms: readonly Term[],
  articles: readonly boolean[],
  candidates: readonly Candidate[],
): number[] =>
  terms.map(({ faint, said, unspaced, does }, at) => {
    const having = Math.max(1, candidates.filter(({ own }) => (own[at] ?? 0) > 0).length)
    const rarity = Math.log(1 + (candidates.length - having + 0.5) / (having + 0.5)) + 0.3
    if (faint) return Math.min(counts.faint, rarity)
    if (said) return Math.min(counts.said, rarity)
    if (articles[at]) return Math.min(counts.article, rarity)
    const known = candidates.some(
      ({ own, above, around }) => (own[at] ?? 0) + (above[at] ?? 0) + (around[at] ?? 0) > 0,
    )
    const unknown = unspaced ? counts.unspaced : counts.strange
    return rarity * (known ? 1 : unknown) * (does ? counts.does : 1)
  })

/** 0 where the line does not answer. */
function scoreOf(candidate: Candidate, question: Question): number {
  const { terms, weights, kind } = question
  const { own, line, place, rank } = candidate
  const fits = kind?.answered.test(line.text) ?? false
  const covers = coversOf(candidate, terms, fits)
  if (missesThePoint(question, covers)) return 0
  const all = sumOf(weights)
  const cover = sumOf(weights.map((weight, at) => weight * (covers[at] ?? 0))) / all
  const itself = sumOf(weights.map((weight, at) => weight * (own[at] ?? 0))) / all
  // Under the heading "Opening hours", an hour is the answer without another word.
  if (cover < (fits ? leastFitting : leastCover) || itself < (fits ? 0 : leastOwn)) return 0
  const looks = fits ? (kind?.rather?.test(line.text) ? 0.4 : 0.25) : 0
  const early = 0.03 / (1 + place) + 0.05 / (1 + rank)
  const asksItself = /[?？]\s*$/.test(line.text) ? 0.3 : 0
  const score = cover + 0.3 * itself + looks + early - asksItself
  return kind && !kind.loose && !fits ? 0.6 * score : score
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

/** How much the line says of each term together with what is around it. */
function coversOf(candidate: Candidate, terms: readonly Term[], fits: boolean): number[] {
  const { own, above, around, before, after } = candidate
  const back = leansOn(candidate) ? near.leaning : near.before
  return terms.map(({ said }, at) =>
    Math.max(
      own[at] ?? 0,
      near.above * (above[at] ?? 0),
      near.around * (around[at] ?? 0),
      back * (before?.own[at] ?? 0),
      near.after * (after?.own[at] ?? 0),
      said && fits ? near.looks : 0,
    ),
  )
}

/** Nothing of what is asked for, or nothing of the question but what was said before it. */
function missesThePoint({ terms, articles, weights }: Question, covers: readonly number[]): boolean {
  if (terms.some(({ wanted }, at) => wanted && covers[at] === 0)) return true
  const intent = weights.map((weight, at) =>
    articles[at] || terms[at]?.faint || terms[at]?.said || terms[at]?.earlier ? 0 : weight,
  )
  const met = sumOf(intent.map((weight, at) => weight * (covers[at] ?? 0)))
  if (met < leastIntent * sumOf(intent)) return true
  const news = covers.filter((_, at) => !terms[at]?.earlier && !terms[at]?.faint)
  return news.length > 0 && news.every(cover => cover === 0)
}

/** The best, and those that come near it and add something. */
function spread(ranked: readonly { readonly candidate: Candidate; readonly score: number }[]): Candidate[] {
  const [best, ...others] = ranked
  if (!best) return []
  const chosen = [best.candidate]
  for (const { candidate, score } of others) {
    if (chosen.length === mostSentences) break
    const adds = candidate.own.some((share, at) => chosen.every(({ own }) => share > (own[at] ?? 0)))
    if (candidate.own.every(share => share === 0) || score < best.score * (adds ? 0.75 : 0.85)) continue
    // A sentence that leans on another brings it along.
    if (chosen.some(other => leansOn(other) && other.before === candidate)) continue
    const supports = candidate.before && leansOn(candidate) ? chosen.indexOf(candidate.before) : -1
    if (supports >= 0) {
      chosen[supports] = candidate
      continue
    }
    if (chosen.every(other => alike(other.forms, candidate.forms) < 0.6)) chosen.push(candidate)
  }
  return chosen
}

function alike(one: ReadonlySet<string>, other: ReadonlySet<string>): number {
  let shared = 0
  for (const form of one) if (other.has(form)) shared++
  return shared / (one.size + other.size - shared || 1)
}
