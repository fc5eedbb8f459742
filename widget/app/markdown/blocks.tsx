import type { ComponentChildren, VNode } from 'preact'
import { type Inline, inline } from './inline.tsx'

const deepest = 6
const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+-]{0,30})/
const heading = /^ {0,3}#{1,6}\s+(.*)$/
const rule = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/
const quote = /^ {0,3}> ?/
const item = /^(\s*)(?:[-*+]|(\d{1,9})[.)])\s+(.*)$/
const delimiter = /^[\s|:]*-[\s|:-]*$/

/** Lines that are read from the top, once. */
interface Lines {
  readonly all: readonly string[]
  next: number
}

/**
 * Markdown as elements, never as HTML (S6): headings, lists, quotes, code, simple tables, paragraphs that keep their lines. What is none of it
 * stays text.
 */
export const markdown = (text: string, to: Inline): VNode[] =>
  blocks(text.replace(/\r\n?/g, '\n').split('\n'), to, 0)

function blocks(all: readonly string[], to: Inline, depth: number): VNode[] {
  const lines: Lines = { all, next: 0 }
  const nodes: VNode[] = []
  while (lines.next < all.length) {
    if (all[lines.next]?.trim() === '') lines.next++
    else nodes.push(block(lines, to, depth))
  }
  return nodes
}

function block(lines: Lines, to: Inline, depth: number): VNode {
  const line = lines.all[lines.next] ?? ''
  const fenced = fence.exec(line)
  if (fenced) return codeBlock(lines, fenced[1] ?? '```')
  const title = heading.exec(line)
  if (title) {
    lines.next++
    return (
      <p dir="auto">
        <strong>{inline(title[1] ?? '', to)}</strong>
      </p>
    )
  }
  if (rule.test(line)) {
    lines.next++
    return <hr />
  }
  if (depth < deepest && quote.test(line)) return quoted(lines, to, depth)
  if (depth < deepest && item.test(line)) return list(lines, to, depth)
  if (line.includes('|') && delimiter.test(lines.all[lines.next + 1] ?? '')) return table(lines, to)
  return paragraph(lines, to, depth)
}

/** One that does not end ends with the text: so it looks while it is still being written. */
function codeBlock(lines: Lines, sign: string): VNode {
  const start = ++lines.next
  while (lines.next < lines.all.length && !isEnd(lines.all[lines.next] ?? '', sign)) lines.next++
  const code = lines.all.slice(start, lines.next).join('\n')
  lines.next++
  return (
    <pre
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
      tabIndex={0}
      dir="ltr"
    >
      <code>{code}</code>
    </pre>
  )
}

const isEnd = (line: string, sign: string): boolean => {
  const words = line.trim()
  return words.startsWith(sign) && words.split('').every(character => character === sign[0])
}

function quoted(lines: Lines, to: Inline, depth: number): VNode {
  const inside: string[] = []
  for (; quote.test(lines.all[lines.next] ?? ''); lines.next++)
    inside.push((lines.all[lines.next] ?? '').replace(quote, ''))
  return <blockquote>{blocks(inside, to, depth + 1)}</blockquote>
}

function list(lines: Lines, to: Inline, depth: number): VNode {
  const first = item.exec(lines.all[lines.next] ?? '')
  const indent = first?.[1]?.length ?? 0
  const ordered = first?.[2] !== undefined
  const items: ComponentChildren[] = []
  for (;;) {
    const found = item.exec(lines.all[lines.next] ?? '')
    if (!found || found[1]?.length !== indent || (found[2] !== undefined) !== ordered) break
    lines.next++
    items.push(<li>{itemOf(found[3] ?? '', lines, indent, to, depth)}</li>)
    while (lines.all[lines.next]?.trim() === '' && item.test(lines.all[lines.next + 1] ?? '')) lines.next++
  }
  return ordered ? (
    <ol dir="auto" start={Number(first?.[2])}>
      {items}
    </ol>
  ) : (
    <ul dir="auto">{items}</ul>
  )
}

/** Its own line, and what is indented further below it. */
function itemOf(words: string, lines: Lines, indent: number, to: Inline, depth: number): ComponentChildren {
  const inside: string[] = []
  for (; lines.next < lines.all.length; lines.next++) {
    const line = lines.all[lines.next] ?? ''
    const depthOfLine = line.search(/\S/)
    if (depthOfLine >= 0 && depthOfLine <= indent) break
    if (depthOfLine < 0 && (lines.all[lines.next + 1] ?? '').search(/\S/) <= indent) break
    inside.push(line.slice(Math.min(Math.max(0, depthOfLine), indent + 2)))
  }
  const task = /^\[([ xX])\]\s+(.*)$/.exec(words)
  const text = task ? `${task[1] === ' ' ? '☐' : '☑'} ${task[2]}` : words
  return [inline(text, to), ...blocks(inside, to, depth + 1)]
}

const cells = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|', 20)
    .map(cell => cell.trim())

function table(lines: Lines, to: Inline): VNode {
  const head = cells(lines.all[lines.next] ?? '')
  const rows: string[][] = []
  for (lines.next += 2; (lines.all[lines.next] ?? '').includes('|'); lines.next++)
    rows.push(cells(lines.all[lines.next] ?? ''))
  return (
    <div
      class="table"
      dir="auto"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
      tabIndex={0}
    >
      <table>
        <thead>
          <tr>
            {head.map(cell => (
              <th scope="col">{inline(cell, to)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr>
              {head.map((_, at) => (
                <td>{inline(row[at] ?? '', to)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function paragraph(lines: Lines, to: Inline, depth: number): VNode {
  const start = lines.next++
  while (lines.next < lines.all.length && isMore(lines, depth)) lines.next++
  return <p dir="auto">{inline(lines.all.slice(start, lines.next).join('\n').trim(), to)}</p>
}

function isMore({ all, next }: Lines, depth: number): boolean {
  const line = all[next] ?? ''
  if (line.trim() === '' || fence.test(line) || heading.test(line)) return false
  return depth >= deepest || !(quote.test(line) || item.test(line))
}
