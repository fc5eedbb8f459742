import { getDocumentProxy } from 'unpdf'
import { UnreadableDocument } from '../../kernel/index.ts'
import { checkLength } from './decode.ts'
import { type Reading, squeezed } from './document.ts'
import { blocksOfLines, type Line, linesOf } from './pdfLines.ts'

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>

export async function readPdf(bytes: Uint8Array): Promise<Reading> {
  const pdf = await open(bytes)
  try {
    const pages: Line[][] = []
    let characters = 0
    for (let number = 1; number <= pdf.numPages; number++) {
      const lines = await readPage(pdf, number)
      characters += lines.reduce((sum, { text }) => sum + text.length, 0)
      checkLength(characters)
      pages.push(lines)
    }
    if (characters === 0)
      throw new UnreadableDocument(
        'no_text',
        'There is no text in this PDF, only pictures of it. Run it through text recognition (OCR) first.',
      )
    const blocks = blocksOfLines(pages)
    const { title, language } = await about(pdf)
    return { title: title || firstHeading(blocks), language, pages: pdf.numPages, blocks }
  } finally {
    await pdf.loadingTask.destroy()
  }
}

async function open(bytes: Uint8Array): Promise<Pdf> {
  try {
    // The library takes what it is given away. It reads no fonts of the system and writes no warnings about what it mends.
    return await getDocumentProxy(new Uint8Array(bytes), { useSystemFonts: false, verbosity: 0 })
  } catch (error) {
    if (error instanceof Error && error.name === 'PasswordException')
      throw new UnreadableDocument('encrypted', undefined, error)
    throw new UnreadableDocument('broken', undefined, error)
  }
}

async function readPage(pdf: Pdf, number: number): Promise<Line[]> {
  try {
    const page = await pdf.getPage(number)
    const { items } = await page.getTextContent()
    page.cleanup()
    return linesOf(items.filter(item => 'str' in item))
  } catch (error) {
    throw new UnreadableDocument('broken', `Page ${number} of the PDF is damaged and cannot be read.`, error)
  }
}

/** What printing programs write there is no title. */
const noTitle =
  /^(?:untitled|unbenannt|document\d*|microsoft (?:word|powerpoint|excel)\b.*|.+\.(?:docx?|pdf|indd|tex|dvi|pptx?|odt))$/i

async function about(pdf: Pdf): Promise<{ title: string | undefined; language: string | undefined }> {
  const { info }: { info: { Title?: unknown; Language?: unknown } } = await pdf.getMetadata()
  const title = typeof info.Title === 'string' ? squeezed(info.Title) : ''
  return {
    title: noTitle.test(title) ? undefined : title,
    language: typeof info.Language === 'string' ? info.Language : undefined,
  }
}

/** The largest heading of the first page that has one. */
function firstHeading(blocks: Reading['blocks']): string | undefined {
  const headings = blocks.flatMap(block => (block.kind === 'heading' ? [block] : []))
  const page = headings[0]?.page
  return headings.filter(block => block.page === page).sort((one, other) => one.level - other.level)[0]?.text
}
