import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { estimateTokens } from '../../src/kernel/index.ts'
import {
  type Chunk,
  chunkDocument,
  mostChunkTokens,
  mostSectionTokens,
} from '../../src/knowledge/chunkDocument.ts'
import type { Block } from '../../src/providers/documentReader.ts'

const heading = (level: number, text: string, page?: number): Block => ({
  kind: 'heading',
  level,
  text,
  ...(page && { page }),
})
const paragraph = (text: string, page?: number): Block => ({ kind: 'paragraph', text, ...(page && { page }) })
const item = (text: string, depth = 0): Block => ({ kind: 'item', marker: '-', depth, text })
/** About ten tokens each. */
const prose = (sentences: number, about = 'parcels') =>
  Array.from({ length: sentences }, (_, at) => `Sentence ${at} tells us about ${about} on islands.`).join(' ')
const chunksOf = (...blocks: Block[]): Chunk[] => chunkDocument({ blocks }).chunks
const bare = (text: string) => text.replace(/\s+/g, '')

describe('chunks', () => {
  test('small sections that are neighbours are joined, under the headings they share', () => {
    const chunks = chunksOf(
      heading(1, 'Shop', 1),
      heading(2, 'Delivery', 1),
      paragraph('In two days.', 1),
      heading(2, 'Returns', 2),
      item('within 30 days'),
      item('unused', 1),
    )
    expect(chunks).toMatchObject([
      {
        parent: 0,
        position: 1,
        page: 1,
        section: 'Shop',
        text: '# Shop\n\n## Delivery\n\nIn two days.\n\n## Returns\n\n- within 30 days\n  - unused',
      },
    ])
  })

  test('a section that fills a chunk has its own, with its path and the page where it begins', () => {
    const { sections, chunks } = chunkDocument({
      blocks: [
        heading(1, 'Shop', 1),
        heading(2, 'Delivery', 1),
        paragraph(prose(70), 1),
        heading(2, 'Returns', 3),
        paragraph(prose(60), 4),
      ],
    })
    expect(sections).toMatchObject([{ section: 'Shop', position: 0 }])
    expect(chunks).toMatchObject([
      { section: 'Shop › Delivery', page: 1, position: 1, parent: 0 },
      { section: 'Shop › Returns', page: 3, position: 2, parent: 0 },
    ])
    expect(chunks[0]?.text).toMatch(/^# Shop\n\n## Delivery\n\nSentence 0/)
  })

  test('a long section is cut between its blocks, half full at least', () => {
    const blocks = Array.from({ length: 60 }, (_, at) => paragraph(prose(12, `thing ${at}`)))
    const { sections, chunks } = chunkDocument({ blocks: [heading(1, 'All'), ...blocks] })
    for (const { tokenCount } of chunks) expect(tokenCount).toBeGreaterThan(300)
    expect(chunks.filter(({ tokenCount }) => tokenCount < 500).length).toBeLessThanOrEqual(sections.length)
    expect(chunks.every(({ section }) => section === 'All')).toBe(true)
    const paragraphs = chunks.flatMap(({ text }) => text.split('\n\n')).slice(1)
    expect(paragraphs).toEqual(blocks.map(({ text }) => text))
  })

  test('a huge table repeats its titles and keeps its rows whole', () => {
    const rows = Array.from({ length: 400 }, (_, at) => `| Zone ${at} | ${at} euros for parcels |`)
    const chunks = chunksOf({
      kind: 'table',
      text: ['| Zone | Price |', '| --- | --- |', ...rows].join('\n'),
    })
    expect(chunks.length).toBeGreaterThan(3)
    const kept = chunks.flatMap(({ text }) => {
      expect(text.split(/\n+/).slice(0, 2)).toEqual(['| Zone | Price |', '| --- | --- |'])
      return text.split(/\n+/).filter(line => line.includes('euros'))
    })
    expect(kept).toEqual(rows)
  })

  test('a row that is larger than a chunk goes on as text', () => {
    const chunks = chunksOf({ kind: 'table', text: `| A |\n| --- |\n| 1 |\n| ${prose(300)} |\n| 2 |` })
    expect(bare(chunks.map(({ text }) => text).join(''))).toContain(bare(prose(300)))
    expect(chunks.at(-1)?.text).toContain('| A |\n| --- |\n| 2 |')
  })

  test('code stays in one piece where it fits, and keeps its fences where it does not', () => {
    const code = Array.from({ length: 40 }, (_, at) => `call(${at})`).join('\n')
    const small = chunksOf(
      paragraph(prose(80)),
      { kind: 'code', language: 'ts', text: code },
      paragraph(prose(80)),
    )
    expect(small.filter(({ text }) => text.includes(`\`\`\`ts\n${code}\n\`\`\``))).toHaveLength(1)
    const lines = Array.from({ length: 800 }, (_, at) => `call(${at}, "\`\`\`")`)
    const large = chunksOf({ kind: 'code', language: 'ts', text: lines.join('\n') })
    for (const { text } of large) expect(text).toMatch(/^````ts\n[\s\S]*\n````$/)
    expect(large.flatMap(({ text }) => text.split('\n')).filter(line => line.startsWith('call'))).toEqual(
      lines,
    )
  })

  test('a huge paragraph is cut at sentences, and what has no ends anywhere', () => {
    for (const { text } of chunksOf(paragraph(prose(500)))) expect(text).toMatch(/^Sentence[\s\S]*islands\.$/)
    for (const text of ['x'.repeat(50_000), '字'.repeat(5_000), '😀'.repeat(5_000), '.'.repeat(50_000)]) {
      const chunks = chunksOf(paragraph(text))
      expect(chunks.length).toBeGreaterThan(2)
      expect(
        chunks
          .map(chunk => chunk.text)
          .join('')
          .replace(/\n\n/g, ''),
      ).toBe(text)
      expect(chunks.every(chunk => chunk.text.isWellFormed())).toBe(true)
    }
  })

  test('texts made to be slow are not', { timeout: 120_000 }, () => {
    const started = process.cpuUsage()
    for (const piece of ['.', 'a. ', '.) ', '`', '"', ' ', '\n', '1.', '? ! '])
      chunksOf(paragraph(piece.repeat(200_000 / piece.length)), {
        kind: 'code',
        text: piece.repeat(200_000 / piece.length),
      })
    chunksOf(
      ...Array.from({ length: 20_000 }, (_, at) => [heading(1 + (at % 3), 'Same'), paragraph('x')]).flat(),
    )
    // About one second of the processor; the square of such lengths would take minutes.
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(20)
  })
})

const word = fc.oneof(
  { weight: 8, arbitrary: fc.stringMatching(/^[a-zäöü]{1,12}[.,!?]?$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[日本語字文😀]{1,40}。?$/u) },
  { weight: 1, arbitrary: fc.constantFrom('z. B.', '3.', '```', '|', '#', '–') },
)
const words = (most: number) =>
  fc.array(word, { minLength: 1, maxLength: most, size: 'max' }).map(all => all.join(' '))
const anyBlock: fc.Arbitrary<Block> = fc.oneof(
  { weight: 4, arbitrary: words(400).map((text): Block => paragraph(text)) },
  { weight: 2, arbitrary: fc.tuple(words(60), fc.nat(12)).map(([text, depth]): Block => item(text, depth)) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 6 }), words(8))
      .map(([level, text]): Block => heading(level, text)),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(words(30), { minLength: 1, maxLength: 60 })
      .map((lines): Block => ({ kind: 'code', text: lines.join('\n') })),
  },
)
const document = fc.array(anyBlock, { maxLength: 60, size: 'max' })
/** Without what may have been added to show what a block is. */
const said = (text: string) => text.replace(/[`#\-\s]/g, '')
const isSubsequence = (short: readonly string[], long: readonly string[]) => {
  let at = 0
  for (const one of long) if (one === short[at]) at++
  return at === short.length
}

describe('chunks of any document', { timeout: 120_000 }, () => {
  test('keep all text in its order, and the limits; the same document gives the same', () => {
    fc.assert(
      fc.property(document, blocks => {
        const { sections, chunks } = chunkDocument({ blocks })
        const all = said(blocks.map(({ text }) => text).join('\n'))
        for (const made of [sections, chunks]) expect(said(made.map(({ text }) => text).join('\n'))).toBe(all)
        for (const { text, tokenCount } of chunks) {
          expect(tokenCount).toBe(estimateTokens(text))
          expect(tokenCount).toBeLessThanOrEqual(mostChunkTokens)
        }
        for (const { tokenCount } of sections) expect(tokenCount).toBeLessThanOrEqual(mostSectionTokens)
        const positions = [...sections, ...chunks].map(({ position }) => position)
        expect(positions.sort((one, other) => one - other)).toEqual(positions.map((_, at) => at))
        for (const { parent, text } of chunks)
          expect(isSubsequence([...said(text)], [...said(sections[parent]?.text ?? '')])).toBe(true)
        expect(chunkDocument({ blocks: structuredClone(blocks) })).toEqual({ sections, chunks })
      }),
      { numRuns: 60, interruptAfterTimeLimit: 60_000 },
    )
  })

  test('after an edit of one section, the chunks that have nothing of it are the same', () => {
    const section = fc.tuple(
      fc.integer({ min: 1, max: 3 }),
      words(4),
      fc.array(words(80), { maxLength: 3, minLength: 1 }),
    )
    fc.assert(
      fc.property(
        fc.array(section, { minLength: 2, maxLength: 40, size: 'max' }),
        fc.nat(),
        words(600),
        (drawn, pick, text) => {
          const edited = pick % drawn.length
          const blocksWith = (body: (at: number, texts: string[]) => string[]) =>
            drawn.flatMap(([level, title, texts], at) => [
              heading(level, `${title} no${at}`),
              ...body(at, texts).map(one => paragraph(`start${at} ${one}`)),
            ])
          const before = chunksOf(...blocksWith((_, texts) => texts))
          const after = new Set(
            chunksOf(...blocksWith((at, texts) => (at === edited ? [text, ...texts] : texts))).map(
              chunk => chunk.contentHash,
            ),
          )
          const touched = new RegExp(`start${edited} |no${edited}(?:\\n|$| ›)`)
          for (const chunk of before)
            if (!touched.test(`${chunk.section}\n${chunk.text}`))
              expect(after.has(chunk.contentHash)).toBe(true)
        },
      ),
      { numRuns: 60, interruptAfterTimeLimit: 60_000 },
    )
  })
})
