import { describe, expect, test } from 'vitest'
import { remembered } from '../../src/kernel/remembered.ts'

function counted() {
  const asked: string[] = []
  const length = remembered(word => asked.push(word) && word.length)
  return { asked, length }
}

describe('what is remembered of words', () => {
  test('is worked out once, and the same', () => {
    const { asked, length } = counted()
    expect([length('one'), length('three'), length('one')]).toEqual([3, 5, 3])
    expect(asked).toEqual(['one', 'three'])
  })

  test('is not of long words, nor of halves of characters, which have their own answers all the same', () => {
    const { asked, length } = counted()
    const long = 'x'.repeat(200)
    const half = remembered(word => word.charCodeAt(0))
    expect([length(long), length(long)]).toEqual([200, 200])
    expect(asked).toHaveLength(2)
    expect([half('\ud83d'), half('\ufffd'), half('\ud83d')]).toEqual([0xd83d, 0xfffd, 0xd83d])
  })

  test('is limited, however many words come', () => {
    const { asked, length } = counted()
    for (let number = 0; number < 20_001; number++) length(`w${number}`)
    length('w0')
    expect(asked.filter(word => word === 'w0')).toHaveLength(2)
  })
})
