import type { Kind } from './fileTypes.ts'

/** How much of the beginning is needed to recognise anything. */
export const headLength = 4_096

/** The kinds of content by their first bytes, whatever the sender says they are. */
export function recognise(head: Uint8Array): Kind | undefined {
  // As characters of one byte each, so that signatures can be read.
  const text = Buffer.from(head.subarray(0, headLength)).toString('latin1')
  const [kind] = signatures.find(([, matches]) => matches(text)) ?? []
  if (kind) return kind
  return isPlain(head) ? 'text' : undefined
}

const begins = (signature: string) => (text: string) => text.startsWith(signature)

const riff = (format: string) => (text: string) =>
  text.startsWith('RIFF') && text.slice(8, 8 + format.length) === format

/** MP4 and its relatives begin with the size of a box, `ftyp`, and the brands that the content conforms to. */
const brands = (text: string): string[] => {
  if (text.slice(4, 8) !== 'ftyp') return []
  const size = Buffer.from(text.slice(0, 4), 'latin1').readUInt32BE(0)
  return (text.slice(8, Math.min(size, 256)).match(/[\s\S]{4}/g) ?? []).filter((_, at) => at !== 1)
}

const signatures: readonly (readonly [Kind, (text: string) => boolean])[] = [
  ['png', begins('\x89PNG\r\n\x1a\n')],
  ['jpeg', begins('\xff\xd8\xff')],
  ['gif', text => /^GIF8[79]a/.test(text)],
  ['webp', riff('WEBP')],
  ['avif', text => /^avi[fs]$/.test(brands(text)[0] ?? '')],
  ['pdf', begins('%PDF-')],
  // The second is an archive without entries.
  ['zip', text => text.startsWith('PK\x03\x04') || text.startsWith('PK\x05\x06')],
  ['mp3', text => text.startsWith('ID3') || isMpegFrame(text)],
  ['ogg', begins('OggS')],
  ['wav', riff('WAVE')],
  ['mp4', text => brands(text).some(brand => /^(iso[2-9m]|mp4[12]|avc1|M4[AV] )$/.test(brand))],
  // Matroska files begin the same and name another type of document.
  ['webm', text => text.startsWith('\x1a\x45\xdf\xa3') && text.slice(0, 64).includes('\x42\x82\x84webm')],
]

/** The header of an MPEG audio frame, layer III: eleven ones, and neither bit rate nor sampling rate of the reserved values. */
const isMpegFrame = (text: string): boolean => {
  const [first = 0, second = 0, third = 0] = Buffer.from(text.slice(0, 3), 'latin1')
  const synced = first === 0xff && (second & 0xe0) === 0xe0 && (second & 0x18) !== 0x08
  const layer3 = (second & 0x06) === 0x02
  return synced && layer3 && (third & 0xf0) !== 0xf0 && (third & 0x0c) !== 0x0c
}

/** What a browser or a shell would run if it were given the chance, after marks, blanks and comments in front. */
const runs =
  /^\s*(?:<!--[\s\S]*?-->\s*)*(?:#!|<\?|<%|<!doctype|<!entity|<(?:html|head|body|script|style|iframe|object|embed|svg|math|link|meta|base|form|frameset|template)[\s/>])/i

const isPlain = (head: Uint8Array): boolean => {
  if (head.length === 0) return false
  const text = new TextDecoder('utf-8').decode(head.subarray(0, headLength))
  return !hasControls(head) && !runs.test(text)
}

/** Control characters that no text has: of those below the blank only tabs, line ends, form feeds, and escapes in logs. */
export const hasControls = (bytes: Uint8Array): boolean =>
  bytes.some(byte => (byte < 0x20 && !textControls.has(byte)) || byte === 0x7f)

const textControls = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x1b])
