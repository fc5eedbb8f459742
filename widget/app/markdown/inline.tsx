import type { ComponentChildren, VNode } from 'preact'

export interface Inline {
  /** A mark such as [2]; undefined: no such source, and it stays text. */
  cite(number: number): VNode | undefined
  /** Nothing but addresses is more than text. */
  readonly plain?: boolean
}

/** As it was typed, with its addresses to be followed. */
export const typed = (text: string): ComponentChildren[] =>
  inline(text, { cite: () => undefined, plain: true })

/** Nobody needs more, and whoever writes more wants to break something. */
const deepest = 8

/** Turn the direction of what follows, and so make a name or an address read as another one. */
const directionMarks = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g
export const undirected = (text: string): string => text.replace(directionMarks, '')

const link =
  /\[([^[\]\n]{1,300})\]\(\s{0,3}<?([^\s<>()]{1,2000}(?:\([^\s<>()]{0,200}\)[^\s<>()]{0,200})?)>?\s{0,3}(?:"[^"\n]{0,200}")?\)/y
const mark = /\[(\d{1,3}(?:\s{0,2},\s{0,2}\d{1,3}){0,9})\]/y
/** Not what other scripts and languages put behind an address, often without a space. */
const address =
  /https?:\/\/[^\s<>"'`\\[\]{}|^«»“”„‘’\u3000-\u303f\uff00-\uffef\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]{1,2000}/iy
const mail = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}/y
const emphasis: readonly (readonly [string, 'strong' | 'em' | 'del'])[] = [
  ...([
    ['**', 'strong'],
    ['__', 'strong'],
    ['~~', 'del'],
    ['*', 'em'],
    ['_', 'em'],
  ] as const),
]

const at = (pattern: RegExp, text: string, position: number): RegExpExecArray | null => {
  pattern.lastIndex = position
  return pattern.exec(text)
}

/** What a piece of text became, and where the text goes on. */
type Found = readonly [node: ComponentChildren, end: number]

/**
 * A line of Markdown as elements. Every character is looked at a bounded number of times, whatever it says: an end that was not found once is not
 * looked for again, and nesting ends at a depth.
 */
export function inline(text: string, to: Inline, depth = 0): ComponentChildren[] {
  const nodes: ComponentChildren[] = []
  const missing = new Set<string>()
  let from = 0
  let position = 0
  const before = () => {
    if (position > from) nodes.push(text.slice(from, position))
  }
  while (position < text.length) {
    const found = special(text, position, to, depth, missing)
    if (found) {
      before()
      nodes.push(found[0])
      position = found[1]
      from = position
    } else position++
  }
  before()
  return nodes
}

function special(
  text: string,
  position: number,
  to: Inline,
  depth: number,
  missing: Set<string>,
): Found | undefined {
  const character = text[position] ?? ''
  if (to.plain && !/[a-z\d]/i.test(character)) return undefined
  switch (character) {
    case '\\':
      return /[!-/:-@[-`{-~]/.test(text[position + 1] ?? '') ? [text[position + 1], position + 2] : undefined
    case '\n':
      return [<br />, position + 1]
    case '`':
      return code(text, position, missing)
    case '[':
      return cited(text, position, to) ?? linked(text, position, depth)
    case '!':
      // A picture from elsewhere would tell its server who reads this: it is shown as what it is called.
      return text[position + 1] === '[' ? linked(text, position + 1, depth) : undefined
    case '*':
    case '_':
    case '~':
      return depth < deepest ? emphasised(text, position, to, depth, missing) : undefined
    default:
      return /\w/.test(character) && atWordStart(text, position)
        ? (bare(text, position) ?? mailed(text, position))
        : undefined
  }
}

const atWordStart = (text: string, position: number): boolean => !/[\w@/.+-]/.test(text[position - 1] ?? '')

function code(text: string, position: number, missing: Set<string>): Found | undefined {
  let ticks = 1
  while (text[position + ticks] === '`') ticks++
  const fence = '`'.repeat(ticks)
  if (missing.has(fence)) return [fence, position + ticks]
  const end = text.indexOf(fence, position + ticks)
  if (end < 0) {
    missing.add(fence)
    return [fence, position + ticks]
  }
  return [<code>{text.slice(position + ticks, end).trim()}</code>, end + ticks]
}

function cited(text: string, position: number, to: Inline): Found | undefined {
  const found = at(mark, text, position)
  if (!found?.[1]) return undefined
  const marks = found[1].split(',').map(number => to.cite(Number(number)))
  return marks.every(Boolean) ? [marks, position + found[0].length] : undefined
}

function linked(text: string, position: number, depth: number): Found | undefined {
  const found = at(link, text, position)
  if (!found) return undefined
  const [whole, label = '', target = ''] = found
  const end = position + whole.length
  // No link within a link: what stands there is words.
  const words = depth < deepest ? inline(undirected(label), { cite: () => undefined }, deepest) : label
  return [anchor(target, words) ?? words, end]
}

function bare(text: string, position: number): Found | undefined {
  const found = at(address, text, position)?.[0]
  if (!found) return undefined
  let end = found.length
  while (end > 8 && /[.,;:!?*_~)…؟،؛]/.test(found[end - 1] ?? '')) {
    if (found[end - 1] === ')' && found.slice(0, end).includes('(')) break
    end--
  }
  const target = found.slice(0, end)
  const node = anchor(target, target)
  return node && [node, position + end]
}

function mailed(text: string, position: number): Found | undefined {
  const found = at(mail, text, position)?.[0]
  return found ? [anchor(`mailto:${found}`, found), position + found.length] : undefined
}

function anchor(target: string, words: ComponentChildren): VNode | undefined {
  let url: URL
  try {
    url = new URL(undirected(target))
  } catch {
    return undefined
  }
  if (!/^(https?|mailto):$/.test(url.protocol)) return undefined
  return (
    <a href={url.href} target="_blank" rel="noopener noreferrer nofollow">
      <bdi>{words}</bdi>
    </a>
  )
}

function emphasised(
  text: string,
  position: number,
  to: Inline,
  depth: number,
  missing: Set<string>,
): Found | undefined {
  const found = emphasis.find(([sign]) => text.startsWith(sign, position))
  if (!found) return undefined
  const [sign, Tag] = found
  const start = position + sign.length
  if (missing.has(sign) || /\s/.test(text[start] ?? ' ')) return undefined
  // Within words it is part of a name such as snake_case.
  if (sign[0] === '_' && /\w/.test(text[position - 1] ?? '')) return undefined
  const end = closing(text, sign, start)
  if (end < 0) {
    missing.add(sign)
    return undefined
  }
  return [<Tag>{inline(text.slice(start, end), to, depth + 1)}</Tag>, end + sign.length]
}

function closing(text: string, sign: string, start: number): number {
  for (let end = text.indexOf(sign, start + 1); end >= 0; end = text.indexOf(sign, end + 1)) {
    if (/\s/.test(text[end - 1] ?? '')) continue
    // One of two is half of another sign.
    if (sign.length === 1 && (text[end + 1] === sign || text[end - 1] === sign)) {
      if (text[end + 1] === sign) end++
      continue
    }
    if (sign[0] === '_' && /\w/.test(text[end + sign.length] ?? '')) continue
    return end
  }
  return -1
}
