import { UnreadableDocument } from '../../kernel/index.ts'
import { unpack } from './archive.ts'
import { type Block, type Reading, squeezed } from './document.ts'
import { blocksOfWord } from './docxBlocks.ts'
import { readNumbering, readStyles } from './docxStyles.ts'
import { readXml } from './xml.ts'

const read = new Set([
  'word/document.xml',
  'word/styles.xml',
  'word/numbering.xml',
  'word/footnotes.xml',
  'word/endnotes.xml',
  'docProps/core.xml',
])
/** What else may be in such an archive, by a file that every one of them has. */
const others: Readonly<Record<string, string>> = {
  'xl/workbook.xml': 'This is an Excel file. Save the sheet as CSV or PDF.',
  'ppt/presentation.xml': 'This is a PowerPoint file. Save it as PDF.',
  mimetype: 'This is an OpenDocument or EPUB file. Save it as .docx or PDF.',
}

export function readDocx(bytes: Uint8Array): Reading {
  const files = unpack(bytes, name => read.has(name) || Object.hasOwn(others, name))
  const text = (name: string) => new TextDecoder().decode(files.get(name) ?? new Uint8Array())
  const main = text('word/document.xml')
  if (main === '') {
    const [, sentence] = Object.entries(others).find(([name]) => files.has(name)) ?? []
    throw new UnreadableDocument(
      'unsupported',
      sentence ?? 'This is an archive of files. Unpack it and upload its documents.',
    )
  }
  if (!/<\/(?:\w+:)?document>\s*$/.test(main.slice(-200))) throw new UnreadableDocument('broken')
  const styles = readStyles(text('word/styles.xml'))
  const context = { styles, numbering: readNumbering(text('word/numbering.xml')) }
  const blocks = ['word/document.xml', 'word/footnotes.xml', 'word/endnotes.xml'].flatMap(name =>
    blocksOfWord(name === 'word/document.xml' ? main : text(name), context),
  )
  const { title, language } = readProperties(text('docProps/core.xml'))
  return { title: title || headingOf(blocks), language: language || styles.language, blocks }
}

const headingOf = (blocks: readonly Block[]) =>
  blocks.find(block => block.kind === 'heading' && block.level === 1)?.text

function readProperties(xml: string): { title: string; language: string } {
  const values = new Map<string, string>()
  let open = ''
  readXml(xml, {
    open: name => {
      open = name
    },
    text: text => {
      values.set(open, `${values.get(open) ?? ''}${text}`)
    },
    close: () => {
      open = ''
    },
  })
  return { title: squeezed(values.get('title') ?? ''), language: squeezed(values.get('language') ?? '') }
}
