import MarkdownIt, { type Token } from 'markdown-it'
import { type Block, type Reading, squeezed, squeezedLines, tableText } from './document.ts'
import { blocksOfHtml } from './html.ts'

/** Deeper than people write; what is deeper still, the library leaves out. */
const markdown = new MarkdownIt({ html: true, maxNesting: 500 })

export function readMarkdown(text: string): Reading {
  const { title, body } = withoutFrontMatter(text)
  const blocks = blocksOf(markdown.parse(body, {}))
  const first = blocks.find(block => block.kind === 'heading' && block.level === 1)
  return { title: title ?? first?.text, blocks }
}

/** Settings in front of a page, between lines of three dashes; only the title is for readers. */
function withoutFrontMatter(text: string): { title: string | undefined; body: string } {
  const match = /^\s*---\n([\s\S]*?)\n---[ \t]*(?:\n|$)/.exec(text)
  if (!match || !/^[\w-]+:/m.test(match[1] ?? '')) return { title: undefined, body: text }
  const title = /^title:\s*(["']?)(.+)\1\s*$/m.exec(match[1] ?? '')?.[2]
  return { title: title && squeezed(title), body: text.slice(match[0].length) }
}

interface List {
  next: number | undefined
  /** Of the entry that has had no text yet. */
  marker: string | undefined
}

function blocksOf(tokens: readonly Token[]): Block[] {
  const blocks: Block[] = []
  const lists: List[] = []
  let level = 0
  let rows: string[][] | undefined
  for (const token of tokens) {
    const list = lists.at(-1)
    if (token.type === 'heading_open') level = Number(token.tag.slice(1))
    else if (token.type === 'heading_close') level = 0
    else if (token.type === 'bullet_list_open') lists.push({ next: undefined, marker: undefined })
    else if (token.type === 'ordered_list_open')
      lists.push({ next: Number(token.attrGet('start') ?? 1), marker: undefined })
    else if (/_list_close$/.test(token.type)) lists.pop()
    else if (token.type === 'list_item_open' && list) {
      list.marker = list.next === undefined ? '-' : `${list.next}.`
      if (list.next !== undefined) list.next++
    } else if (token.type === 'table_open') rows = []
    else if (token.type === 'tr_open') rows?.push([])
    else if (token.type === 'table_close') {
      const table = tableText(rows ?? [])
      if (table) blocks.push({ kind: 'table', text: table })
      rows = undefined
    } else if (token.type === 'inline') {
      if (rows) rows.at(-1)?.push(textOf(token))
      else addText(blocks, squeezedLines(textOf(token)), level, lists)
    } else if (token.type === 'fence' || token.type === 'code_block') addCode(blocks, token)
    else if (token.type === 'html_block') blocks.push(...blocksOfHtml(token.content))
  }
  return blocks
}

function addText(blocks: Block[], text: string, level: number, lists: readonly List[]): void {
  if (text === '') return
  const list = lists.at(-1)
  if (level > 0) blocks.push({ kind: 'heading', level, text: squeezed(text) })
  else if (list?.marker) {
    blocks.push({ kind: 'item', marker: list.marker, depth: lists.length - 1, text })
    list.marker = undefined
  } else blocks.push({ kind: 'paragraph', text })
}

function addCode(blocks: Block[], { content, info }: Token): void {
  const text = content.replace(/\n$/, '')
  const language = /^[\w+#.-]+/.exec(info)?.[0]
  if (text.trim() !== '') blocks.push({ kind: 'code', text, ...(language && { language }) })
}

/** What is read of a line: links by their words, no pictures, no tags. */
function textOf(token: Token): string {
  return (token.children ?? [])
    .map(child => {
      if (child.type === 'text' || child.type === 'code_inline') return child.content
      if (child.type === 'softbreak') return ' '
      if (child.type === 'hardbreak' || /^<br\b/i.test(child.content)) return '\n'
      return ''
    })
    .join('')
}
