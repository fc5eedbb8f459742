import { randomBytes } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  docxOf,
  paragraph,
  pdfOf,
  pdfOfStream,
  rawPdf,
  tableOf,
  wordXml,
  zipOf,
} from '../support/documents.ts'
import { blocksOf, read, refusal, show } from '../support/readings.ts'

describe('PDF', () => {
  test('page by page: headings by the size of letters, paragraphs put together, marks of lists', async () => {
    const pdf = await pdfOf(
      [
        [
          { text: 'Handbook', size: 24 },
          { text: 'Parcels are sent on every work-', gap: 20 },
          'ing day before noon. To islands it',
          'takes longer.',
          { text: 'Returns', size: 16, gap: 15 },
          { text: '• within 30 days', gap: 10 },
          '• unused',
          { text: '2. then write to us', gap: 10 },
        ],
        ['On the second page.'],
      ],
      { title: 'The handbook', language: 'en-GB' },
    )
    const document = await read(pdf)
    expect(document).toMatchObject({ title: 'The handbook', language: 'en-GB', pages: 2 })
    expect(document.blocks.map(show)).toEqual([
      'h1 Handbook @1',
      'p Parcels are sent on every working day before noon. To islands it takes longer. @1',
      'h2 Returns @1',
      '- within 30 days @1',
      '- unused @1',
      '2. then write to us @1',
      'p On the second page. @2',
    ])
  })

  test('what stands apart at the edge of most pages is left out, and nothing of the text', async () => {
    const pages = Array.from({ length: 6 }, (_, at) => [
      'Parley GmbH',
      { text: `Body ${at} begins`, gap: 30 },
      `and ends on line ${at}`,
      { text: `Page ${at + 1} of 6`, gap: 30 },
    ])
    expect(await blocksOf(await pdfOf(pages))).toEqual(
      pages.map((_, at) => `p Body ${at} begins and ends on line ${at} @${at + 1}`),
    )
  })

  test.each([
    ['Microsoft Word - draft3.doc', 'Real title'],
    ['untitled', 'Real title'],
    ['Terms of 2024', 'Terms of 2024'],
  ])('the title %s', async (title, expected) => {
    expect(
      (await read(await pdfOf([[{ text: 'Real title', size: 20 }, 'and a text that is longer']], { title })))
        .title,
    ).toBe(expected)
  })

  test('pictures only', async () => {
    expect(await refusal(await pdfOf([[], []]))).toMatchObject({ code: 'no_text', message: /OCR/ })
  })

  test('with a password', async () => {
    const encrypt = `/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${'ab'.repeat(32)}> /U <${'cd'.repeat(32)}> >> /ID [<${'01'.repeat(16)}> <${'01'.repeat(16)}>]`
    expect(await refusal(pdfOfStream(Buffer.from('BT ET'), '', encrypt))).toMatchObject({
      kind: 'UnreadableDocument',
      code: 'encrypted',
    })
  })

  test.each([
    ['cut after its beginning', (pdf: Uint8Array) => pdf.subarray(0, 40)],
    ['noise after its beginning', () => Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(5_000)])],
    ['without pages', () => rawPdf(['<< /Type /Nothing >>'])],
  ])('broken: %s', async (_, damage) => {
    expect((await refusal(damage(await pdfOf([['text']])))).code).toMatch(/broken|no_text/)
  })

  test('one page that cannot be read is said, not passed over', async () => {
    const pdf = rawPdf(['<< /Type /Pages /Kids [3 0 R 9 0 R] /Count 2 >>', '<< /Type /Page /Parent 2 0 R >>'])
    expect(await refusal(pdf)).toMatchObject({ code: 'broken', message: /^Page \d of the PDF/ })
  })

  test('a stream is unpacked', async () => {
    const content = deflateSync(Buffer.from('BT /F1 12 Tf 50 700 Td (Packed text) Tj ET'))
    expect(await blocksOf(pdfOfStream(content, '/Filter /FlateDecode'))).toEqual(['p Packed text @1'])
  })
})

describe('DOCX', () => {
  const list = (depth: number) => `<w:numPr><w:ilvl w:val="${depth}"/><w:numId w:val="7"/></w:numPr>`

  test('headings by style, lists, tables, breaks; deleted and repeated text is left out', async () => {
    const body = [
      paragraph('Bedingungen', '<w:pStyle w:val="berschrift1"/>'),
      paragraph('Preise &amp; Porto', '<w:pStyle w:val="Eigene"/>'),
      '<w:p><w:r><w:t>Ein</w:t></w:r><w:r><w:t xml:space="preserve">s </w:t><w:tab/><w:t>zwei</w:t><w:br/><w:t>drei</w:t></w:r><w:del><w:r><w:delText>weg</w:delText></w:r></w:del></w:p>',
      paragraph('erstens', list(0)),
      paragraph('darunter', list(1)),
      paragraph('zweitens', list(0)),
      paragraph('im Kreis', '<w:pStyle w:val="Kreis1"/>'),
      tableOf(
        [paragraph('Zone'), paragraph('Preis')],
        [paragraph('A') + paragraph('B'), tableOf([paragraph('1'), paragraph('2')])],
        [`<w:tcPr><w:gridSpan w:val="2"/></w:tcPr>${paragraph('alle')}`],
      ),
      `<w:p><mc:AlternateContent><mc:Choice><w:r>${`<w:txbxContent>${paragraph('Kasten')}</w:txbxContent>`}</w:r></mc:Choice><mc:Fallback>${paragraph('Kasten')}</mc:Fallback></mc:AlternateContent></w:p>`,
    ].join('')
    const document = await read(
      docxOf(body, {
        'docProps/core.xml': '<cp:coreProperties xmlns:dc="d"><dc:title>AGB</dc:title></cp:coreProperties>',
        'word/footnotes.xml': `<w:footnotes xmlns:w="w"><w:footnote>${paragraph('Fussnote')}</w:footnote></w:footnotes>`,
      }),
      'terms.pdf',
    )
    expect(document).toMatchObject({ title: 'AGB', language: 'de-CH' })
    expect(document.blocks.map(show)).toEqual([
      'h1 Bedingungen',
      'h2 Preise & Porto',
      'p Eins zwei\ndrei',
      '1. erstens',
      '>- darunter',
      '2. zweitens',
      'p im Kreis',
      'table | Zone | Preis |\n| --- | --- |\n| A B | 1 2 |\n| alle |  |',
      'p Kasten',
      'p Fussnote',
    ])
  })

  test('a bomb is refused by what it promises, before it is unpacked', async () => {
    const zeros = '0'.repeat(30 * 1024 * 1024)
    expect(await refusal(docxOf(paragraph('a'), { 'word/media/x.bin': zeros }))).toMatchObject({
      code: 'too_large',
    })
    const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, at) => [`f${at}`, '']))
    expect(await refusal(docxOf(paragraph('a'), many))).toMatchObject({ code: 'too_large' })
  })

  test('a bomb that promises less than it holds is cut and refused', async () => {
    const archive = Buffer.from(docxOf(paragraph('0'.repeat(30 * 1024 * 1024))))
    const real = wordXml(paragraph('0'.repeat(30 * 1024 * 1024))).length
    const needle = Buffer.alloc(4)
    needle.writeUInt32LE(real)
    let changed = 0
    for (let at = archive.indexOf(needle); at >= 0; at = archive.indexOf(needle, at + 4), changed++)
      archive.writeUInt32LE(50_000, at)
    expect(changed).toBe(2)
    expect(await refusal(archive)).toMatchObject({ code: 'broken' })
  })

  test('entities of its own are not expanded', async () => {
    const lol =
      '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
    const xml = wordXml(paragraph('x&b;&f;y')).replace('<w:document', `${lol}<w:document`)
    expect((await blocksOf(docxOf('', { 'word/document.xml': xml }))).join()).not.toMatch(/aaaa|root:/)
  })

  test('deep nesting', async () => {
    const depth = 4_000
    const nested = `${'<w:tbl><w:tr><w:tc>'.repeat(depth)}${paragraph('deep')}${'</w:tc></w:tr></w:tbl>'.repeat(depth)}`
    expect((await blocksOf(docxOf(nested + paragraph('after')))).join()).toContain('deep')
  })

  test.each([
    ['cut', (docx: Uint8Array) => docx.subarray(0, docx.length - 100), 'broken'],
    ['damaged in the middle', (docx: Uint8Array) => Buffer.from(docx).fill(0xff, 100, 400), 'broken'],
    ['document without its end', () => docxOf('', { 'word/document.xml': '<w:document><w:body>' }), 'broken'],
    ['an empty archive', () => zipOf({}), 'unsupported'],
    ['another archive', () => zipOf({ 'a.txt': 'a' }), 'unsupported'],
    ['no text', () => docxOf('<w:p/>'), 'no_text'],
  ])('%s', async (_, change, code) => {
    expect((await refusal(change(docxOf(paragraph('a'))))).code).toBe(code)
  })

  test('a password, a sheet, an old document are told by name', async () => {
    const ole = Buffer.from('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'latin1')
    const locked = Buffer.concat([ole, Buffer.alloc(600), Buffer.from('EncryptedPackage', 'utf16le')])
    expect((await refusal(locked)).code).toBe('encrypted')
    expect(await refusal(ole)).toMatchObject({ code: 'unsupported', message: /older Office/ })
    expect(await refusal(zipOf({ 'xl/workbook.xml': '<x/>' }))).toMatchObject({
      code: 'unsupported',
      message: /Excel/,
    })
  })
})
