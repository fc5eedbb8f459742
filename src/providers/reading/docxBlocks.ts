import { type Block, squeezed, squeezedLines, tableText } from './document.ts'
import type { ListPlace, Numbering, Styles } from './docxStyles.ts'
import { readXml } from './xml.ts'

export interface WordContext {
  readonly styles: Styles
  readonly numbering: Numbering
}

interface Paragraph {
  text: string
  style: string | undefined
  outline: number | undefined
  list: string | undefined
  depth: number | undefined
}

interface Table {
  rows: string[][]
  /** How many columns the open cell covers. */
  span: number
}

/** Paragraphs, headings, lists and tables of a part of a Word document. */
export function blocksOfWord(xml: string, context: WordContext): Block[] {
  const walk = new Walk(context)
  readXml(xml, walk)
  return walk.blocks
}

class Walk {
  readonly blocks: Block[] = []
  readonly #context: WordContext
  /** Text boxes put paragraphs into paragraphs, cells put tables into tables. */
  readonly #paragraphs: Paragraph[] = []
  readonly #tables: Table[] = []
  readonly #counts = new Map<string, number>()
  /** Within what repeats, in an older form, what stands beside it. */
  #fallbacks = 0
  #inText = false

  constructor(context: WordContext) {
    this.#context = context
  }

  open(name: string, { val }: Readonly<Record<string, string>>): void {
    if (name === 'Fallback') this.#fallbacks++
    if (this.#fallbacks > 0) return
    const paragraph = this.#paragraphs.at(-1)
    if (name === 'p')
      this.#paragraphs.push({
        text: '',
        style: undefined,
        outline: undefined,
        list: undefined,
        depth: undefined,
      })
    else if (name === 'tbl') this.#tables.push({ rows: [], span: 1 })
    else if (name === 'tr') this.#tables.at(-1)?.rows.push([])
    else if (name === 'tc') this.#openCell()
    else if (name === 'gridSpan') this.#span(val)
    else if (!paragraph) return
    else if (name === 't') this.#inText = true
    else if (name === 'tab') paragraph.text += ' '
    else if (name === 'br' || name === 'cr') paragraph.text += '\n'
    else if (name === 'noBreakHyphen') paragraph.text += '-'
    else if (name === 'pStyle') paragraph.style = val
    else if (name === 'numId') paragraph.list = val
    else if (name === 'ilvl') paragraph.depth = Number(val)
    else if (name === 'outlineLvl') paragraph.outline = Number(val)
  }

  text(text: string): void {
    const paragraph = this.#paragraphs.at(-1)
    if (this.#inText && paragraph) paragraph.text += text
  }

  close(name: string): void {
    if (name === 'Fallback') this.#fallbacks--
    if (this.#fallbacks > 0) return
    if (name === 't') this.#inText = false
    else if (name === 'p') this.#endParagraph()
    else if (name === 'tbl') this.#endTable()
  }

  #openCell(): void {
    const table = this.#tables.at(-1)
    if (!table) return
    table.rows.at(-1)?.push('')
    table.span = 1
  }

  #span(val: string | undefined): void {
    const columns = Math.min(Number(val) || 1, 50)
    for (let more = 1; more < columns; more++) this.#tables.at(-1)?.rows.at(-1)?.push('')
    const table = this.#tables.at(-1)
    if (table) table.span = columns
  }

  #endParagraph(): void {
    const paragraph = this.#paragraphs.pop()
    const text = squeezedLines(paragraph?.text ?? '')
    if (!paragraph || text === '') return
    if (this.#tables.length > 0) this.#addToCell(text)
    else this.#add(paragraph, text)
  }

  #addToCell(text: string): void {
    const table = this.#tables.at(-1)
    const row = table?.rows.at(-1)
    if (!table || !row) return
    const at = row.length - table.span
    row[at] = row[at] ? `${row[at]} ${text}` : text
  }

  #endTable(): void {
    const table = this.#tables.pop()
    if (!table) return
    const text = tableText(table.rows)
    if (this.#tables.length > 0) this.#addToCell(table.rows.flat().filter(Boolean).join(' '))
    else if (text) this.blocks.push({ kind: 'table', text })
  }

  #add({ style: id, outline, list, depth }: Paragraph, text: string): void {
    const style = this.#context.styles.of(id)
    const level = outline !== undefined && outline < 9 ? outline + 1 : style.level
    if (level !== undefined && outline !== 9)
      this.blocks.push({ kind: 'heading', level: Math.min(level, 6), text: squeezed(text) })
    else {
      const place = placeOf(list ?? style.list?.list, depth ?? style.list?.depth)
      if (place) this.blocks.push({ kind: 'item', marker: this.#marker(place), depth: place.depth, text })
      else this.blocks.push({ kind: 'paragraph', text })
    }
  }

  #marker(place: ListPlace): string {
    if (!this.#context.numbering(place)) return '-'
    const key = ({ list, depth }: ListPlace) => `${list}:${depth}`
    const number = (this.#counts.get(key(place)) ?? 0) + 1
    this.#counts.set(key(place), number)
    // What stands below the last entry counts from one again.
    for (let depth = place.depth + 1; depth < 9; depth++) this.#counts.delete(key({ ...place, depth }))
    return `${number}.`
  }
}

/** The list 0 is how Word takes a paragraph out of the list of its style. */
const placeOf = (list: string | undefined, depth = 0): ListPlace | undefined =>
  list === undefined || list === '0'
    ? undefined
    : { list, depth: Math.min(Math.max(Math.trunc(depth) || 0, 0), 8) }
