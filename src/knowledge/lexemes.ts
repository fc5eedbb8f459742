import { isSmall, stemOf, wordsOf } from '../kernel/index.ts'

/**
 * How texts are searched by words: PostgreSQL is given stems and where they stand, so that documents and questions are read by the same rules on
 * every server, in any language. A change of these rules, or of `stemOf`, needs what is stored to be read in anew.
 */

const longestLexeme = 60
/** What a tsvector can count to. */
const lastPosition = 16_383

/** Half of a character, where the cut falls into one, is no text for PostgreSQL. */
const lexemeOf = (word: string): string => stemOf(word).slice(0, longestLexeme).toWellFormed()

/** As PostgreSQL reads a tsvector: the title weighs most, then the headings. Only letters and digits occur, so nothing needs escaping. */
export function searchVector(parts: {
  readonly title: string
  readonly section: string
  readonly text: string
}): string {
  const places = new Map<string, string[]>()
  let position = 0
  const add = (text: string, weight: 'A' | 'B' | '') => {
    for (const word of wordsOf(text)) {
      position = Math.min(position + 1, lastPosition)
      if (isSmall(word)) continue
      const lexeme = lexemeOf(word)
      const before = places.get(lexeme)
      // A tsvector keeps no more of one word.
      if (before === undefined) places.set(lexeme, [`${position}${weight}`])
      else if (before.length < 255) before.push(`${position}${weight}`)
    }
  }
  add(parts.title, 'A')
  add(parts.section, 'B')
  add(parts.text, '')
  return [...places].map(([lexeme, at]) => `'${lexeme}':${at.join(',')}`).join(' ')
}

/** Enough for any question; a whole document as a question must not make the search slow. */
const mostAsked = 40

/** The stems of a question that say something, each once. */
export function askedLexemes(question: string): string[] {
  const stems = new Set<string>()
  for (const word of wordsOf(question)) {
    if (stems.size === mostAsked) break
    if (!isSmall(word)) stems.add(lexemeOf(word))
  }
  return [...stems]
}

/** As PostgreSQL reads a tsquery: any of the words. */
export const searchQuery = (lexemes: readonly string[]): string =>
  lexemes.map(lexeme => `'${lexeme}'`).join(' | ')
