import { type Block, squeezed } from './document.ts'

/** A piece of text as pdf.js gives it out. */
export interface Item {
  readonly str: string
  readonly height: number
  readonly transform: readonly number[]
  readonly hasEOL: boolean
}

export interface Line {
  readonly text: string
  /** Height of its letters, in points. */
  readonly size: number
  /** From the foot of the page. */
  readonly y: number
}

/** A page has only pieces at places; pdf.js tells where lines end. */
export function linesOf(items: readonly Item[]): Line[] {
  const lines: Line[] = []
  let open: Item[] = []
  const end = () => {
    const text = squeezed(open.map(({ str }) => str).join(''))
    const [largest] = open
      .filter(({ str }) => str.trim() !== '')
      .sort((one, other) => sizeOf(other) - sizeOf(one))
    if (text !== '' && largest) lines.push({ text, size: sizeOf(largest), y: largest.transform[5] ?? 0 })
    open = []
  }
  for (const item of items) {
    open.push(item)
    if (item.hasEOL) end()
  }
  end()
  return lines
}

const sizeOf = ({ transform: [, , c = 0, d = 0], height }: Item) =>
  Math.round((Math.hypot(c, d) || height) * 2) / 2

/** Lines that are this much larger than most are headings, if they are short. */
const headingFactor = 1.15
const longestHeading = 200
const bullet = /^([-–•‣▪●◦·*]|\d{1,3}[.)])\s+(?=\S)/u

/** Lines as paragraphs, headings and entries of lists, each with the page it begins on. */
export function blocksOfLines(pages: readonly (readonly Line[])[]): Block[] {
  const bodySize = mostUsedSize(pages)
  const levels = headingLevels(pages, bodySize)
  const grouped = pages.map(paragraphsOf)
  const repeated = repeatedGroups(grouped, bodySize)
  return grouped.flatMap((groups, index) =>
    groups
      .filter(group => !(edgesOf(groups).includes(group) && repeated.has(patternOf(group))))
      .map(group => blockOf(group, index + 1, levels)),
  )
}

/** The size of most of the text. */
function mostUsedSize(pages: readonly (readonly Line[])[]): number {
  const characters = new Map<number, number>()
  for (const { size, text } of pages.flat()) characters.set(size, (characters.get(size) ?? 0) + text.length)
  const [most] = [...characters].sort((one, other) => other[1] - one[1])
  return most?.[0] ?? 0
}

/** The largest letters are level 1, and so on; below the sixth size they are text again. */
function headingLevels(pages: readonly (readonly Line[])[], bodySize: number): ReadonlyMap<number, number> {
  const sizes = pages
    .flat()
    .filter(line => line.size >= bodySize * headingFactor && line.text.length <= longestHeading)
  const distinct = [...new Set(sizes.map(({ size }) => size))].sort((one, other) => other - one)
  return new Map(distinct.slice(0, 6).map((size, at) => [size, at + 1]))
}

/** Where titles of books and numbers of pages stand, apart from the text. */
const edgesOf = (groups: readonly Line[][]) => (groups.length > 1 ? [groups.at(0), groups.at(-1)] : [])

const patternOf = (group: readonly Line[]) =>
  group
    .map(({ text }) => text)
    .join(' ')
    .replace(/\d+/g, '#')

/** What stands at the edge of every other page, but for its numbers, is not part of the text; nor are numbers alone. */
function repeatedGroups(pages: readonly Line[][][], bodySize: number): ReadonlySet<string> {
  const counts = new Map<string, number>()
  for (const groups of pages) {
    const edges = edgesOf(groups).flatMap(group =>
      group?.every(({ size }) => size <= bodySize) ? [group] : [],
    )
    const patterns = edges.map(patternOf).filter(pattern => pattern.length <= longestHeading)
    for (const pattern of new Set(patterns)) counts.set(pattern, (counts.get(pattern) ?? 0) + 1)
  }
  const often = Math.max(3, pages.length / 2)
  return new Set([...counts].filter(([, count]) => count >= often).map(([pattern]) => pattern))
}

/** A wider gap, other letters, a place further up or a mark of a list begin something new. */
function paragraphsOf(lines: readonly Line[]): Line[][] {
  const groups: Line[][] = []
  for (const line of lines) {
    const group = groups.at(-1)
    const last = group?.at(-1)
    if (group && last && continues(last, line)) group.push(line)
    else groups.push([line])
  }
  return groups
}

const continues = (last: Line, line: Line) =>
  last.size === line.size &&
  last.y - line.y >= 0 &&
  last.y - line.y <= line.size * 1.75 &&
  !bullet.test(line.text)

function blockOf(lines: readonly Line[], page: number, levels: ReadonlyMap<number, number>): Block {
  const text = lines.reduce((all, line) => joined(all, line.text), '')
  const level = levels.get(lines[0]?.size ?? 0)
  if (level !== undefined && text.length <= longestHeading) return { kind: 'heading', level, text, page }
  const mark = bullet.exec(text)
  if (!mark) return { kind: 'paragraph', text, page }
  const marker = /^\d/.test(text) ? `${Number.parseInt(text, 10)}.` : '-'
  return { kind: 'item', marker, depth: 0, text: text.slice(mark[0].length), page }
}

/** A word that was parted at the end of a line is put together again. */
function joined(text: string, line: string): string {
  if (text === '') return line
  if (/\p{Ll}[-\u2010]$/u.test(text) && /^\p{Ll}/u.test(line)) return text.slice(0, -1) + line
  return `${text} ${line}`
}
