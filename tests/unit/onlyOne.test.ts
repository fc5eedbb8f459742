import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MostlyOne } from '../../src/gateway/onlyOne.ts'

test('a set of mostly one entry is a set', () => {
  const step = fc.record({ add: fc.boolean(), entry: fc.constantFrom('a', 'b', 'c') })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const lean = new MostlyOne<string>()
      const set = new Set<string>()
      for (const { add, entry } of steps) {
        if (add) {
          lean.add(entry)
          set.add(entry)
        } else expect(lean.delete(entry)).toBe(set.delete(entry))
        expect([...lean]).toEqual([...set])
        expect(lean.size).toBe(set.size)
        for (const one of ['a', 'b', 'c']) expect(lean.has(one)).toBe(set.has(one))
        const each: string[] = []
        lean.forEach(one => void each.push(one))
        expect(each).toEqual([...set])
      }
    }),
  )
})
