import { UnreadableDocument } from '../../kernel/index.ts'

type Decoder = InstanceType<typeof TextDecoder>

/** Bytes as text, or undefined where they are none. `label` is the character set that somebody named. */
export function decode(bytes: Uint8Array, label?: string): string | undefined {
  const text = decoder(bytes, label).decode(bytes)
  return isText(text) ? text.replace(/\r\n?/g, '\n') : undefined
}

function decoder(bytes: Uint8Array, label: string | undefined): Decoder {
  const marked = marks.find(([mark]) => mark.every((byte, at) => bytes[at] === byte))
  if (marked) return new TextDecoder(marked[1])
  if (looksLikeUtf8(bytes)) return new TextDecoder()
  return (label ? named(label) : undefined) ?? new TextDecoder('windows-1252')
}

const marks: readonly (readonly [readonly number[], string])[] = [
  [[0xef, 0xbb, 0xbf], 'utf-8'],
  [[0xff, 0xfe], 'utf-16le'],
  [[0xfe, 0xff], 'utf-16be'],
]

/** A few bad bytes do not make a text Latin-1: there, hardly any character beyond ASCII would be a good one. */
function looksLikeUtf8(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes)
  let good = 0
  let bad = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0xfffd) bad++
    else if (code > 0x7f) good++
  }
  return bad <= good / 10
}

/** Names come from strangers; a name that is none says nothing. */
function named(label: string): Decoder | undefined {
  try {
    return new TextDecoder(label)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** A text has no zeros, and of other controls only strays. */
function isText(text: string): boolean {
  let controls = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0) return false
    if (code < 0x20 && !ofTexts.has(code)) controls++
  }
  return controls <= text.length / 1_000
}

/** Tab, line feed, form feed, carriage return, escape. */
const ofTexts = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x1b])

/** What a text may have at most; a book has a million. */
export const mostCharacters = 10_000_000

export function checkLength(characters: number): void {
  if (characters > mostCharacters)
    throw new UnreadableDocument(
      'too_large',
      `The document has more than ${mostCharacters / 1_000_000} million characters of text. Split it into smaller ones.`,
    )
}

/** The character set that a page names itself. */
export const charsetOfHtml = (head: string): string | undefined =>
  /<meta[^>]{0,200}charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1]
