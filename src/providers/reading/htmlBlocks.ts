import { type Block, squeezedLines, tableText } from './document.ts'

/** As much of the DOM as is needed; a server has no types of the browser. */
export interface Node {
  readonly nodeType: number
  readonly textContent: string
  readonly childNodes: Iterable<Node>
}
export interface Element extends Node {
  readonly localName: string
  getAttribute(name: string): string | null
  querySelector(selector: string): Element | null
  querySelectorAll(selector: string): Iterable<Element>
  remove(): void
}

export const elementOf = (node: unknown): Element | undefined =>
  typeof node === 'object' && node !== null && 'nodeType' in node && node.nodeType === 1
    ? (node as Element)
    : undefined

const textNode = 3

/** Whatever begins a line of its own. */
const ownLine = new Set(
  'address article blockquote body caption center dd details div dl dt fieldset figcaption figure footer form header hr html legend main p section summary table tbody td tfoot th thead tr'.split(
    ' ',
  ),
)

/** What an element says, in its order. */
export function blocksOfElement(root: Element): Block[] {
  const walk = new Walk()
  walk.visit(root)
  walk.endLine()
  return walk.blocks
}

class Walk {
  readonly blocks: Block[] = []
  #line = ''
  #level = 0
  #lists: { next: number | undefined; marker: string | undefined }[] = []

  visit(node: Node): void {
    const element = elementOf(node)
    if (!element) {
      if (node.nodeType === textNode) this.#line += node.textContent.replace(/\s+/gu, ' ')
      return
    }
    const name = element.localName
    const children = () => {
      for (const child of element.childNodes) this.visit(child)
    }
    if (name === 'br') this.#line += '\n'
    else if (name === 'head') return
    else if (/^h[1-6]$/.test(name)) this.#heading(Number(name[1]), children)
    else if (name === 'pre') this.#code(element)
    else if (name === 'table' && isData(element)) this.#table(element)
    else if (name === 'ul' || name === 'ol' || name === 'menu') this.#list(element, children)
    else if (name === 'li') this.#item(children)
    else if (ownLine.has(name)) {
      this.endLine()
      children()
      this.endLine()
    } else children()
  }

  endLine(): void {
    const text = squeezedLines(this.#line)
    this.#line = ''
    if (text === '') return
    const list = this.#lists.at(-1)
    if (this.#level > 0)
      this.blocks.push({ kind: 'heading', level: this.#level, text: text.replaceAll('\n', ' ') })
    else if (list?.marker) {
      this.blocks.push({ kind: 'item', marker: list.marker, depth: this.#lists.length - 1, text })
      list.marker = undefined
    } else this.blocks.push({ kind: 'paragraph', text })
  }

  #heading(level: number, children: () => void): void {
    this.endLine()
    this.#level = level
    children()
    this.endLine()
    this.#level = 0
  }

  #list(element: Element, children: () => void): void {
    this.endLine()
    const start = Number(element.getAttribute('start') ?? 1)
    const next = element.localName === 'ol' ? (Number.isInteger(start) ? start : 1) : undefined
    this.#lists.push({ next, marker: undefined })
    children()
    this.endLine()
    this.#lists.pop()
  }

  #item(children: () => void): void {
    this.endLine()
    const list = this.#lists.at(-1)
    if (list) list.marker = list.next === undefined ? '-' : `${list.next++}.`
    children()
    this.endLine()
  }

  #code(element: Element): void {
    this.endLine()
    const names = `${element.getAttribute('class') ?? ''} ${element.querySelector('code')?.getAttribute('class') ?? ''}`
    const language = /\blang(?:uage)?-([\w+#.-]+)/.exec(names)?.[1]
    const text = element.textContent.replace(/^\n+|\s+$/g, '')
    if (text !== '') this.blocks.push({ kind: 'code', text, ...(language && { language }) })
  }

  #table(element: Element): void {
    this.endLine()
    const text = tableText(Array.from(element.querySelectorAll('tr'), cellsOf))
    if (text) this.blocks.push({ kind: 'table', text })
  }
}

/** Some tables only put things side by side. */
const isData = (table: Element): boolean =>
  !table.querySelector('table,h1,h2,h3,h4,pre') &&
  Array.from(table.querySelectorAll('tr')).some(row => cellsOf(row).length > 1)

function cellsOf(row: Element): string[] {
  return Array.from(row.childNodes).flatMap(node => {
    const cell = elementOf(node)
    if (!cell || !['td', 'th'].includes(cell.localName)) return []
    const text = blocksOfElement(cell)
      .map(block => block.text)
      .join(' ')
    const span = Math.min(Number(cell.getAttribute('colspan') ?? 1) || 1, 50)
    return [text, ...Array.from({ length: span - 1 }, () => '')]
  })
}
