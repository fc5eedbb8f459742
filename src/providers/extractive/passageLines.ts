import { sentencesOf } from '../../kernel/index.ts'

/** What can be quoted of a passage. */
export interface Line {
  /** As it is quoted: a sentence, an entry of a list after what introduces it, a row of a table with the title of each column. */
  readonly text: string
  /** What is its own: without the introduction and the titles. */
  readonly own: string
  /** The heading above it, what introduces it, the titles of its columns. */
  readonly above: string
  /** The headings around that. */
  readonly around: string
  readonly cells?: readonly Cell[]
  /** Of a list. */
  readonly entry: boolean
  /** Lines of one paragraph or list share it. */
  readonly block: number
}

export interface Cell {
  readonly title: string
  readonly value: string
}

interface Heading {
  readonly level: number
  readonly text: string
}

const headingLine = /^\s*(#{1,6})\s+(.*)$/
const bullet = /^\s*(?:[-*•‣–]|\d{1,2}[.)])\s+/
const dashes = /^\|(?:\s*:?-+:?\s*\|)+$/

/** The lines of a passage, in order. Headings are none: they are said of what stands below them. */
export function linesOf(text: string): Line[] {
  const lines: Line[] = []
  let headings: Heading[] = []
  let block = 0
  let lead = ''
  for (const group of groupsOf(text)) {
    const [first = ''] = group
    const heading = headingLine.exec(first)
    block += 1
    if (heading) {
      const [, marks = '', title = ''] = heading
      headings = [
        ...headings.filter(({ level }) => level < marks.length),
        { level: marks.length, text: title },
      ]
      lead = ''
      continue
    }
    const place = {
      above: headings.at(-1)?.text ?? '',
      around: headings
        .slice(0, -1)
        .map(({ text: around }) => around)
        .join('\n'),
      block,
      entry: bullet.test(first),
    }
    const found = first.startsWith('|')
      ? rowsOf(group, { ...place, above: `${place.above}\n${lead}` })
      : proseOf(group, place, lead)
    const last = found.at(-1)
    // What introduces a list answers nothing by itself.
    lead = !bullet.test(first) && last?.text.endsWith(':') ? last.text : ''
    lines.push(...(lead === '' ? found : found.slice(0, -1)))
  }
  return lines
}

/** Lines that belong together: a heading, a table, a paragraph, a list. */
function groupsOf(text: string): string[][] {
  const groups: string[][] = []
  let open: string[] = []
  const close = () => {
    if (open.length > 0) groups.push(open)
    open = []
  }
  const kindOf = (line: string) => (line.startsWith('|') ? 'row' : bullet.test(line) ? 'entry' : 'prose')
  let kind = ''
  for (const raw of text.split('\n')) {
    const line = raw.trim()
    if (line === '' || headingLine.test(line)) {
      close()
      if (line !== '') groups.push([line])
      continue
    }
    const next = kindOf(line)
    // A line without a mark goes on with the entry above it.
    if (open.length > 0 && next !== kind && !(kind === 'entry' && next === 'prose')) close()
    if (open.length === 0) kind = next
    open.push(line)
  }
  close()
  return groups
}

type Place = Pick<Line, 'above' | 'around' | 'block' | 'entry'>

function proseOf(group: readonly string[], place: Place, lead: string): Line[] {
  const introduction = place.entry ? lead : ''
  return sentencesOf(group.join('\n')).map(own => ({
    ...place,
    text: introduction === '' ? own : `${introduction} ${own}`,
    own,
    above: `${place.above}\n${introduction}`,
  }))
}

function rowsOf(group: readonly string[], place: Place): Line[] {
  const titled = dashes.test(group[1] ?? '')
  const titles = titled ? cellsOf(group[0] ?? '') : []
  return group.slice(titled ? 2 : 0).flatMap(row => {
    const cells = cellsOf(row)
      .map((value, at) => ({ title: titles[at] ?? '', value }))
      .filter(({ value }) => /[\p{L}\p{N}]/u.test(value))
    if (cells.length === 0) return []
    const own = cells.map(({ value }) => value).join('\n')
    return [{ ...place, text: sayRow(cells), own, above: `${place.above}\n${titles.join('\n')}`, cells }]
  })
}

const cellsOf = (row: string): string[] =>
  row
    .replace(/^\|/, '')
    .replace(/\|\s*$/, '')
    .split(/(?<!\\)\|/)
    .map(cell => cell.trim().replaceAll('\\|', '|'))

/** A row as a sentence. */
export const sayRow = (cells: readonly Cell[]): string =>
  cells.map(({ title, value }) => (title === '' ? value : `${title}: ${value}`)).join('; ')
