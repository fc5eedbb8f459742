import { UnreadableDocument } from '../../kernel/index.ts'
import { charsetOfHtml, checkLength, decode } from './decode.ts'
import type { About, ParsedDocument, Reading } from './document.ts'
import { recognise, recogniseText, titleOfName } from './recognise.ts'

/** From bytes to blocks, by what the bytes are. Formats are loaded when they are met. What cannot be read is an `UnreadableDocument`. */
export async function readDocument(bytes: Uint8Array, about: About): Promise<ParsedDocument> {
  const { title, language, pages, blocks } = await readAs(recognise(bytes), bytes, about)
  checkLength(blocks.reduce((sum, { text }) => sum + text.length, 0))
  if (blocks.length === 0) throw new UnreadableDocument('no_text')
  return {
    title: (title || titleOfName(about.name)).slice(0, 300),
    ...(language && { language }),
    ...(pages !== undefined && { pages }),
    blocks,
  }
}

async function readAs(kind: ReturnType<typeof recognise>, bytes: Uint8Array, about: About): Promise<Reading> {
  if (kind === 'pdf') return (await import('./pdf.ts')).readPdf(bytes)
  if (kind === 'zip') return (await import('./docx.ts')).readDocx(bytes)
  return readText(bytes, about)
}

async function readText(bytes: Uint8Array, about: About): Promise<Reading> {
  // A character has four bytes at most, in the sets that are common.
  checkLength(bytes.length / 4)
  const head = Buffer.from(bytes.subarray(0, 2_048)).toString('latin1')
  const said = /charset\s*=\s*["']?([\w-]+)/i.exec(about.mimeType ?? '')?.[1]
  const text = decode(bytes, said ?? charsetOfHtml(head))
  if (text === undefined) throw new UnreadableDocument('unsupported')
  // Of HTML, most is not text.
  checkLength(text.length / 4)
  switch (recogniseText(text, about)) {
    case 'html':
      return (await import('./html.ts')).readHtml(text)
    case 'markdown':
      return (await import('./markdown.ts')).readMarkdown(text)
    case 'code':
      return (await import('./plain.ts')).readCode(text, about.name)
    case 'plain':
      return (await import('./plain.ts')).readPlain(text)
  }
}
