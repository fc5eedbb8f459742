import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { pageFrom } from '../../src/contacts/index.ts'
import { WaitingPages } from '../../src/widgets/waitingPages.ts'

const page = pageFrom({ url: 'https://shop.example/' }, new Date())

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('V8: a page waits for half an hour after it was told last, and goes with whoever takes it', () => {
  const waiting = new WaitingPages()
  waiting.keep('one', 'a', page)
  waiting.keep('one', 'b', page)
  vi.advanceTimersByTime(29 * 60_000)
  const second = { ...page, title: 'Second' }
  waiting.keep('one', 'a', second)
  vi.advanceTimersByTime(29 * 60_000)
  expect(waiting.size).toBe(1)
  expect(waiting.take('other', 'a')).toBeUndefined()
  expect(waiting.take('one', 'a')).toBe(second)
  expect(waiting.take('one', 'a')).toBeUndefined()
  expect(waiting.size).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

test('V8 S4: a busy site pushes out its own pages, the oldest first, and nobody else’s', () => {
  const waiting = new WaitingPages()
  waiting.keep('quiet', 'a', page)
  for (let at = 0; at < 3_000; at++) waiting.keep('busy', `${at}`, page)
  expect(waiting.size).toBe(1_001)
  expect(waiting.take('busy', '1999')).toBeUndefined()
  expect(waiting.take('busy', '2000')).toBe(page)
  // Of many busy ones the fullest gives way.
  for (let tenant = 0; tenant < 20; tenant++)
    for (let at = 0; at < 1_000; at++) waiting.keep(`busy ${tenant}`, `${at}`, page)
  expect(waiting.size).toBe(10_000)
  expect(vi.getTimerCount()).toBe(10_000)
  expect(waiting.take('quiet', 'a')).toBe(page)
})
