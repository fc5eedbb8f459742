import { inSingleWords, isSmall, isUnspaced, likenessTo, stemOf, wordsOf } from '../../kernel/index.ts'
import { isFaint } from './faintWords.ts'
import { type Kind, wantedOf } from './kinds.ts'

/** What was asked last, and the same with what it refers to. */
export interface Asked {
  readonly last: string
  readonly question: string
}

/** One word of the question that says something. */
export interface Term {
  /** 0 to 1: how much a form of the passages says the same. */
  readonly match: (form: string) => number
  /** Says little of what the question is about. */
  readonly faint: boolean
  /** What somebody does: it is said in more ways than what things are. */
  readonly does: boolean
  /** The question asks which one of them, or how many. */
  readonly wanted: boolean
  /** A sentence says it by looking as an answer should. */
  readonly said: boolean
  /** It was said before the question, not in it. */
  readonly earlier: boolean
  /** Half of a word, of a script without spaces. */
  readonly unspaced: boolean
  /** It is written as a name. */
  readonly own: boolean
  /** Words that are one name have the same number: "United" and "States". */
  readonly name: number | undefined
}

/** What is the visitor's own is seldom in documents: "my lamp" is any article. But "my refund" is all that is asked for. */
const owned = /\b(?:my|our|mein\w*|unser\w*|mon|ma|mes|mi|mis)\s+(\p{L}+)/giu
const actor =
  /\b(?:i|you|we|they|he|she|it|to|somebody|someone|anybody|cannot|not|please|ich|wir|sie|je|vous|nous)\s+(\p{L}+)/giu
const greetings = new Set([
  'hello',
  'hi',
  'hey',
  'hallo',
  'bonjour',
  'hola',
  'thanks',
  'danke',
  'merci',
  'gracias',
])
const written = /(?<![.!?]\s*|^\s*|\n)\b\p{Lu}\p{Ll}+/gu
const names = /(?<!^)\p{Lu}\p{Ll}+(?:\s\p{Lu}\p{Ll}+)+/gu

export function termsOf({ last, question }: Asked, kind: Kind | undefined): Term[] {
  const plain = inSingleWords(question)
  const mine = captured(plain, owned)
  const done = captured(plain, actor)
  const now = new Set(wordsOf(inSingleWords(last)))
  const wanted = wantedOf(last)
  const properly = new Set([...question.matchAll(written)].flatMap(([word]) => wordsOf(word)))
  const named = [...question.matchAll(names)].map(([name]) => wordsOf(name))
  const telling = wordsOf(plain).filter(
    word => !isSmall(word) && !greetings.has(word) && (word.length > 1 || /[\d\P{ASCII}]/u.test(word)),
  )
  const mineAlone = telling.every(word => mine.has(word) || isFaint(word) || (kind?.said.test(word) ?? false))
  return [...new Map(telling.map(word => [formOf(word), word]))].map(([form, word]) => {
    const name = named.findIndex(words => words.includes(word))
    return {
      match: likenessTo(form),
      faint: isFaint(word) || /^\d+$/.test(word) || (mine.has(word) && !mineAlone),
      does: done.has(word),
      wanted: word === wanted,
      said: kind?.said.test(word) ?? false,
      earlier: !now.has(word),
      unspaced: isUnspaced(word),
      own: properly.has(word),
      name: name < 0 ? undefined : name,
    }
  })
}

const captured = (text: string, pattern: RegExp): ReadonlySet<string> =>
  new Set([...text.matchAll(pattern)].flatMap(([, word]) => (word ? [word.toLowerCase()] : [])))

/** The forms that stand in a text. */
export const formsOf = (text: string, form: (word: string) => string): Set<string> =>
  new Set(wordsOf(inSingleWords(text)).map(form))

/** What the forms of a word share. Of short ones, "car" and "care", the stem leaves too little. */
export function formOf(word: string): string {
  const stem = stemOf(word)
  return stem.length > 3 ? stem : word.replace(/(?<=...)(?:s|ed|ing)$/, '')
}

/** How much the forms of a text say of each term; of a name, all of it or nothing. */
export type Sharing = (forms: ReadonlySet<string>) => number[]

export function sharingOf(terms: readonly Term[]): Sharing {
  // Most forms say nothing of any term: they are asked once for all of them.
  const matches = remembering((form: string) => {
    const shares = terms.map(({ match }) => match(form))
    return shares.some(share => share > 0) ? shares : []
  })
  const named = terms.some(({ name }) => name !== undefined)
  return forms => {
    const best = terms.map(() => 0)
    for (const form of forms)
      for (const [at, share] of matches(form).entries()) if (share > (best[at] ?? 0)) best[at] = share
    return named ? best.map((share, at) => ofWholeName(share, at, best, terms)) : best
  }
}

function ofWholeName(share: number, at: number, shares: readonly number[], terms: readonly Term[]): number {
  const name = terms[at]?.name
  return name === undefined ? share : Math.min(...shares.filter((_, other) => terms[other]?.name === name))
}

/** Passages repeat their words, and each costs more to look at than to remember. */
export function remembering<Result>(work: (word: string) => Result): (word: string) => Result {
  const known = new Map<string, Result>()
  return word => {
    const before = known.get(word)
    if (before !== undefined) return before
    const result = work(word)
    known.set(word, result)
    return result
  }
}
