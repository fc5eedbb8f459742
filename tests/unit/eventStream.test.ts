import { describe, expect, test } from 'vitest'
import { EventParser, type ServerEvent } from '../../src/providers/eventStream.ts'

function read(...pieces: string[]): ServerEvent[] {
  const parser = new EventParser()
  return [...pieces.flatMap(piece => parser.take(piece)), ...parser.end('')]
}

const said = (...texts: string[]): ServerEvent[] => texts.map(data => ({ name: '', data }))

const stream =
  ': hello\n\ndata: one\n\nevent: error\ndata:{"two": 2}\n\ndata: three\ndata: lines\nid: 7\n\ndata\n\n'
const events: ServerEvent[] = [
  ...said('one'),
  { name: 'error', data: '{"two": 2}' },
  ...said('three\nlines', ''),
]

describe('server-sent events', () => {
  test.each(['\n', '\r\n', '\r'])(
    'are the same in whatever pieces they come, with lines that end in %j',
    end => {
      const text = stream.replaceAll('\n', end)
      expect(read(text)).toEqual(events)
      expect(read(...text)).toEqual(events)
      for (let at = 1; at < text.length; at++) expect(read(text.slice(0, at), text.slice(at))).toEqual(events)
    },
  )

  test('are given out at once, whatever follows', () => {
    for (const end of ['\n\n', '\r\n\r\n', '\r\r']) {
      expect(new EventParser().take(`data: one${end}`), JSON.stringify(end)).toEqual(said('one'))
    }
  })

  test('the last one needs no empty line behind it', () => {
    expect(read('data: one\n\ndata: two')).toEqual(said('one', 'two'))
    expect(read('data: one\n\ndata: two\n')).toEqual(said('one', 'two'))
  })

  test('a line without an end is read once, and not for ever', () => {
    const began = performance.now()
    const parser = new EventParser()
    const piece = 'x'.repeat(10)
    for (let at = 0; at < 90_000; at++) parser.take(piece)
    // Each piece looked through anew with all before it, this would be forty gigabytes.
    expect(performance.now() - began).toBeLessThan(5_000)
    const more = () => {
      for (let at = 0; at < 20_000; at++) parser.take(piece)
    }
    expect(more).toThrow(expect.objectContaining({ kind: 'cut' }))
    expect(() => read(`data: ${'x'.repeat(600_000)}\n`.repeat(2))).toThrow(
      expect.objectContaining({ kind: 'cut' }),
    )
  })

  test('without data are none', () => {
    expect(read('event: ping\n\n', ': nothing\n\n\n\n', 'retry: 3\n\n')).toEqual([])
  })
})
