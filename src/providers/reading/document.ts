/** A document as it reads: what stands in it, in its order, without its looks. */
export interface ParsedDocument {
  readonly title: string
  /** As the document names it itself, such as `en` or `de-CH`. */
  readonly language?: string
  /** How many it has, where it has pages. */
  readonly pages?: number
  readonly blocks: readonly Block[]
}

interface OnPage {
  /** Counted from 1; where it begins. */
  readonly page?: number
}

export type Block = OnPage &
  (
    | { readonly kind: 'heading'; readonly level: number; readonly text: string }
    | { readonly kind: 'paragraph'; readonly text: string }
    /** `marker` is `-` or its number with a point, `depth` counts the lists around its own. */
    | { readonly kind: 'item'; readonly marker: string; readonly depth: number; readonly text: string }
    /** As a table of Markdown: a row of titles, a row of dashes, and a line for each further row. */
    | { readonly kind: 'table'; readonly text: string }
    | { readonly kind: 'code'; readonly language?: string; readonly text: string }
  )

/** What is known of a file besides its bytes. It decides nothing that the bytes can tell. */
export interface About {
  /** Its name, its path, or the address it came from. */
  readonly name: string
  /** As somebody said it is, perhaps with a character set. */
  readonly mimeType?: string
}

/** A format has no more to say than this; its title is undefined where it names none. */
export interface Reading extends Omit<ParsedDocument, 'title' | 'language'> {
  readonly title: string | undefined
  readonly language?: string | undefined
}

/** Blanks and line ends as one blank each; characters that nobody sees are left out. */
export const squeezed = (text: string): string => text.replace(invisible, '').replace(/\s+/gu, ' ').trim()

/** Lines stay; blanks within them are one each. */
export const squeezedLines = (text: string): string => text.split('\n').map(squeezed).join('\n').trim()

// Controls, soft hyphens, zero-width blanks, marks of byte order. Joiners stay, which scripts and emoji need.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const invisible = /[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b\u2060\ufeff]/g

/** Rows of cells as a table of Markdown; the first row is taken for the titles. Nothing for a table without text. */
export function tableText(rows: readonly (readonly string[])[]): string | undefined {
  const kept = rows.filter(row => row.some(cell => cell.trim() !== ''))
  const width = Math.max(0, ...kept.map(row => row.length))
  if (width === 0) return undefined
  const line = (row: readonly string[]) =>
    `| ${Array.from({ length: width }, (_, at) => squeezed(row[at] ?? '').replaceAll('|', '\\|')).join(' | ')} |`
  const [titles = [], ...others] = kept
  return [line(titles), `|${' --- |'.repeat(width)}`, ...others.map(line)].join('\n')
}
