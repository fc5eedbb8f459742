import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Briefly } from '../../src/kernel/index.ts'

test('what is kept briefly is let go of by itself, also where nobody asks for it any more', async () => {
  const kept = new Briefly<number>(200)
  for (let at = 0; at < 1_000; at++) kept.set(`key ${at}`, at)
  expect(kept.get('key 7')).toBe(7)
  expect(kept.has('key 1000')).toBe(false)
  await sleep(120)
  // Its time begins anew.
  kept.set('key 7', 8)
  await sleep(120)
  expect(kept.get('key 7')).toBe(8)
  expect(kept.size).toBe(1)
  kept.delete('key 7')
  expect(kept.size).toBe(0)
})
