import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { faultOfJson } from '../../src/http/body.ts'
import {
  cursorId,
  emailField,
  lineField,
  objectField,
  slugField,
  textField,
  toPage,
} from '../../src/http/index.ts'
import { difference, faultsOf, inOnePiece, newId } from '../../src/kernel/index.ts'
import { commands } from '../../src/protocol/index.ts'

describe('difference', () => {
  test('names the fields that changed, as they were and as they are, and nothing else', () => {
    const before = { id: 1, name: 'a', tags: ['x'], note: null as string | null, updatedAt: new Date(1) }
    const after = { ...before, name: 'b', tags: ['x', 'y'], note: 'n', updatedAt: new Date(2) }
    expect(difference(before, after)).toEqual({
      changed: true,
      oldValues: { name: 'a', tags: ['x'], note: null },
      newValues: { name: 'b', tags: ['x', 'y'], note: 'n' },
    })
  })

  test('the time of the change alone is no change, nor is an equal value', () => {
    const row = { at: new Date(5), settings: { a: [1] }, updatedAt: new Date(1) }
    const same = { at: new Date(5), settings: { a: [1] }, updatedAt: new Date(2) }
    expect(difference(row, same)).toEqual({ changed: false, oldValues: {}, newValues: {} })
  })

  test('applied to what was there it gives what is there', () => {
    const row = fc.record({ a: fc.jsonValue(), b: fc.jsonValue(), c: fc.jsonValue() })
    fc.assert(
      fc.property(row, row, (before, after) => {
        const { oldValues, newValues, changed } = difference(before, after)
        expect(JSON.stringify({ ...before, ...newValues })).toBe(JSON.stringify(after))
        expect(JSON.stringify({ ...after, ...oldValues })).toBe(JSON.stringify(before))
        expect(changed).toBe(JSON.stringify(before) !== JSON.stringify(after))
      }),
    )
  })
})

describe('what a body may be', () => {
  test('JSON of moderate depth with whole characters passes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 10, stringUnit: 'grapheme' }), value => {
        expect(faultOfJson(value)).toBeUndefined()
      }),
    )
    expect(faultOfJson(undefined)).toBeUndefined()
  })

  test('a fault is found wherever it hides, and said where', () => {
    expect(faultOfJson({ a: [{ b: '\ud800' }] })).toEqual({
      path: 'a.0.b',
      message: 'must be well-formed Unicode',
    })
    expect(faultOfJson({ a: { '\udfff': 1 } })).toEqual({ path: 'a', message: 'must be well-formed Unicode' })
    const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    expect(faultOfJson({ a: nested(49) })).toBeUndefined()
    expect(faultOfJson({ a: nested(52) })?.path).toBe('a')
    expect(faultOfJson(nested(100_000))?.message).toBe('is nested too deeply')
  })
})

describe('fields', () => {
  test('a position beyond what a number can count is one fault', () => {
    const { error } = commands['history.read'].input.safeParse({ conversationId: newId(), after: 2 ** 53 })
    expect(error && faultsOf(error)).toMatchObject([{ path: 'after' }])
  })

  const accepts = (field: { safeParse(value: unknown): { success: boolean } }, value: unknown) =>
    field.safeParse(value).success

  test('a line has no control characters and something to read', () => {
    for (const bad of ['', '  ', 'a\u0000', 'a\nb', 'a\u0007', '\u0085x\u0085x', 'x'.repeat(11), 5, null])
      expect(accepts(lineField(10), bad), String(bad)).toBe(false)
    expect(lineField(10).parse('  Zoë 🦁 ')).toBe('Zoë 🦁')
    expect(accepts(textField(10), 'a\nb')).toBe(true)
    expect(accepts(textField(10), 'a\u0000')).toBe(false)
  })

  test('addresses are compared in lower case', () => {
    expect(emailField.parse(' Ada@People.Example ')).toBe('ada@people.example')
    for (const bad of [
      '',
      'a',
      'a@',
      '@b.example',
      'a b@c.example',
      'a@b',
      'a@b.example\nBcc: x@y.example',
      `${'a'.repeat(250)}@b.example`,
    ]) {
      expect(accepts(emailField, bad), bad).toBe(false)
    }
  })

  test('a slug is a label of a host name, and checking one takes no time', () => {
    for (const good of ['ab', 'a-b', '0a', 'a'.repeat(63)]) expect(accepts(slugField, good), good).toBe(true)
    for (const bad of ['a', '-a', 'a-', 'a_b', 'A', 'a'.repeat(64), 'ab\n'])
      expect(accepts(slugField, bad), bad).toBe(false)
    const started = Date.now()
    accepts(slugField, `${'a-'.repeat(100_000)}!`)
    expect(Date.now() - started).toBeLessThan(1_000)
  })

  test('settings are measured in bytes', () => {
    expect(accepts(objectField(20), { a: 'x'.repeat(10) })).toBe(true)
    expect(accepts(objectField(20), { a: '🦁'.repeat(5) })).toBe(false)
    expect(accepts(objectField(), { a: [undefined] })).toBe(false)
  })
})

describe('pages', () => {
  test('a cursor leads back to the row it was made of', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 0, max: 11 }), (limit, count) => {
        const rows = Array.from({ length: Math.min(count, limit + 1) }, () => ({ id: newId() }))
        const page = toPage(rows, { limit })
        expect(page.items).toEqual(rows.slice(0, limit))
        if (rows.length <= limit) expect(page.nextCursor).toBeNull()
        else expect(cursorId({ limit, cursor: page.nextCursor ?? '' })).toBe(rows[limit - 1]?.id)
      }),
    )
    expect(cursorId({ limit: 5 })).toBeUndefined()
  })
})

describe('inOnePiece', () => {
  test('is the same text, and what is equal is held once', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const long = 'long '.repeat(20_000)
    collect()
    const before = process.memoryUsage().heapUsed
    const kept = Array.from({ length: 200 }, () => inOnePiece(`${long}#tail`))
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
    expect(new Set(kept)).toEqual(new Set([`${long}#tail`]))
    for (const text of ['', '1', '-1', '__proto__', 'é', 't:1:c:2']) expect(inOnePiece(text)).toBe(text)
  })
})
