import { deflateSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import type { Digest } from '../../src/knowledge/digestDocument.ts'
import {
  createDocumentReader,
  type DocumentReader,
  type ReaderOptions,
} from '../../src/providers/documentReader.ts'
import { docxOf, paragraph, pdfOf, pdfOfStream } from '../support/documents.ts'
import { watchTurns } from '../support/watchTurns.ts'

const readers: DocumentReader<unknown>[] = []
afterEach(() => Promise.all(readers.splice(0).map(reader => reader.close())))

/** One thread, so that a document that breaks it is in the way of the next. */
function start<Result>(options: ReaderOptions = {}): DocumentReader<Result> {
  const reader = createDocumentReader<Result>({ threads: 1, ...options })
  readers.push(reader)
  return reader
}

const name = 'a'
const text = Buffer.from('# A\n\ntext')
const textRead = {
  title: 'A',
  blocks: [
    { kind: 'heading', level: 1, text: 'A' },
    { kind: 'paragraph', text: 'text' },
  ],
}
/** By what a document is called, its thread ends or goes on forever. */
const finish = new URL('../support/troubledThread.ts', import.meta.url)
const forever = Buffer.from('# forever')
const codeOf = (reading: Promise<unknown>) =>
  reading.then(
    () => 'read',
    error => error.code ?? error.message,
  )

let book: Promise<Uint8Array> | undefined
const pagesOfBook = 300
const makeBook = () => {
  book ??= pdfOf(
    Array.from({ length: pagesOfBook }, (_, page) => [
      { text: `Chapter ${page}`, size: 20 },
      ...Array.from(
        { length: 45 },
        (_, line) => `Line ${line} of page ${page} tells of parcels to the islands.`,
      ),
    ]),
  )
  return book
}

describe('the reader of documents', { timeout: 120_000 }, () => {
  test('reads in threads; the bytes stay with the caller', async () => {
    const reader = start()
    const bytes = Buffer.from(text)
    expect(await reader.read(bytes, { name })).toEqual(textRead)
    expect(bytes.equals(text)).toBe(true)
    const all = await Promise.all([
      reader.read(await pdfOf([['pages']]), { name }),
      reader.read(docxOf(paragraph('word')), { name }),
      reader.read(text, { name }),
    ])
    expect(all).toMatchObject([{ pages: 1 }, { blocks: [{ text: 'word' }] }, textRead])
  })

  test('a book does not hold up anything else, not even when it is cut into chunks', async () => {
    const bytes = await makeBook()
    const finish = new URL('../../src/knowledge/digestDocument.ts', import.meta.url)
    const reader = start<Digest>({ finish })
    const watch = watchTurns()
    const digest = await reader.read(bytes, { name })
    const { longest, turns } = watch.end()
    expect(turns).toBeGreaterThan(20)
    expect(longest).toBeLessThan(50)
    expect(digest.pages).toBe(pagesOfBook)
    expect(digest.chunks).toHaveLength(pagesOfBook)
    expect(digest.chunks.at(-1)).toMatchObject({ page: pagesOfBook, section: `Chapter ${pagesOfBook - 1}` })
  })

  test('what cannot be read says so, and the next is read by the same thread', async () => {
    const reader = start()
    expect(await codeOf(reader.read(Buffer.from('%PDF-1.7 nothing'), { name }))).toBe('broken')
    expect(await codeOf(reader.read(Buffer.alloc(0), { name }))).toBe('empty')
    await expect(reader.read(Buffer.from([0, 1, 2]), { name })).rejects.toMatchObject({
      name: 'UnreadableDocument',
      code: 'unsupported',
      message: /^This is not a kind of document/,
    })
    expect(await reader.read(text, { name })).toEqual(textRead)
  })

  test('a document that takes too long fails alone', async () => {
    const reader = start({ finish, milliseconds: 8_000 })
    const readings = [
      reader.read(forever, { name }),
      ...Array.from({ length: 3 }, () => reader.read(text, { name })),
    ]
    expect(await Promise.all(readings.map(codeOf))).toEqual(['too_slow', 'read', 'read', 'read'])
  })

  test('a document that takes too much of the heap fails alone', async () => {
    const reader = start({ megabytes: 48 })
    const table = Buffer.from(`<!doctype html><table>${'<tr><td>a<td>b'.repeat(400_000)}`)
    const readings = [reader.read(table, { name }), reader.read(text, { name })]
    expect(await Promise.all(readings.map(codeOf))).toEqual(['too_large', 'read'])
  })

  test('a PDF that unpacks to more than a thread may hold is stopped on its way', async () => {
    const reader = start({ megabytes: 150 })
    const once = deflateSync(Buffer.alloc(600 * 1024 ** 2, ' '), { level: 9 })
    const bomb = pdfOfStream(deflateSync(once), '/Filter [/FlateDecode /FlateDecode]')
    expect(bomb.length).toBeLessThan(100_000)
    const readings = [reader.read(bomb, { name }), reader.read(text, { name })]
    expect(await Promise.all(readings.map(codeOf))).toEqual(['too_large', 'read'])
  })

  test('50 MB of text are refused, whether by bytes or by characters', async () => {
    const bytes = Buffer.alloc(50 * 1024 ** 2, 'some words and ')
    await expect(start().read(bytes, { name })).rejects.toMatchObject({
      code: 'too_large',
      message: /10 million/,
    })
    await expect(start({ maxBytes: 1024 ** 2 }).read(bytes, { name })).rejects.toMatchObject({
      code: 'too_large',
      message: 'The document is larger than 1 MB.',
    })
  })

  test('a thread that ends fails its document only', async () => {
    const reader = start({ finish })
    const titles = ['good', 'exit', 'good', 'throw', 'reject', 'stray', 'long', 'good']
    const readings = titles.map(title => codeOf(reader.read(Buffer.from(`# ${title}`), { name })))
    expect(await Promise.all(readings)).toEqual([
      ...['read', 'broken', 'read', 'broken', 'broken'],
      ...['read', 'read', 'read'],
    ])
  })

  test('giving up: before, waiting, and while it is read', async () => {
    const reader = start({ finish })
    await expect(reader.read(text, { name, signal: AbortSignal.abort('never') })).rejects.toBe('never')
    const running = new AbortController()
    const waiting = new AbortController()
    const readings = [
      reader.read(forever, { name, signal: running.signal }),
      reader.read(text, { name, signal: waiting.signal }),
      reader.read(text, { name }),
    ].map(reading => reading.catch((error: unknown) => error))
    waiting.abort('waited')
    expect(await readings[1]).toBe('waited')
    running.abort('ran')
    expect(await Promise.all(readings)).toEqual(['ran', 'waited', 'A'])
  })

  test('closing ends what runs and what waits', async () => {
    const reader = start({ finish })
    const readings = [codeOf(reader.read(forever, { name })), codeOf(reader.read(text, { name }))]
    await reader.close()
    const closed = 'the reader of documents is closed'
    expect(await Promise.all(readings)).toEqual([closed, closed])
    expect(await codeOf(reader.read(text, { name }))).toBe(closed)
  })
})
