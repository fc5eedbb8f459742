import type { Block, ParsedDocument } from '../../src/providers/documentReader.ts'
import { readDocument } from '../../src/providers/reading/readDocument.ts'

export const read = (
  content: string | Uint8Array,
  name = 'file',
  mimeType?: string,
): Promise<ParsedDocument> =>
  readDocument(typeof content === 'string' ? Buffer.from(content) : content, {
    name,
    ...(mimeType !== undefined && { mimeType }),
  })
export const blocksOf = async (
  content: string | Uint8Array,
  name?: string,
  mimeType?: string,
): Promise<string[]> => (await read(content, name, mimeType)).blocks.map(show)

/** A block in a line: its kind, what matters of it, its text. */
export function show(block: Block): string {
  const mark = {
    heading: () => `h${block.kind === 'heading' ? block.level : ''}`,
    paragraph: () => 'p',
    item: () => (block.kind === 'item' ? `${'>'.repeat(block.depth)}${block.marker}` : ''),
    table: () => 'table',
    code: () => `code${block.kind === 'code' && block.language ? `(${block.language})` : ''}`,
  }[block.kind]()
  return `${mark} ${block.text}${block.page === undefined ? '' : ` @${block.page}`}`
}

export const refusal = (content: string | Uint8Array, name?: string) =>
  read(content, name).then(
    document => ({ code: 'read', message: JSON.stringify(document).slice(0, 200) }),
    ({ name: kind, code, message }) => ({ kind, code, message }),
  )
