import { describe, expect, test } from 'vitest'
import { costOf, type Prices } from '../../src/usage/prices.ts'

const prices: Prices = {
  large: { input: 2, output: 8 },
  half: { input: 2 },
  vectors: { embedding: 0.02 },
  ranks: { rerank: 2 },
}
const provider = 'openai'

describe('K11: what a call costs', () => {
  test('tokens by their price per million, rankings by theirs per thousand', () => {
    const answer = { service: 'model', provider, model: 'large' } as const
    expect(costOf(prices, { ...answer, inputTokens: 1_000_000, outputTokens: 500_000 })).toEqual({
      costUsd: 6,
      priced: true,
    })
    expect(costOf(prices, { ...answer, inputTokens: 1_234, outputTokens: 56, cachedTokens: 1_000 })).toEqual({
      costUsd: 0.002916,
      priced: true,
    })
    const embedded = { service: 'embedding', provider, model: 'vectors', inputTokens: 1, units: 1 } as const
    expect(costOf(prices, embedded)).toEqual({ costUsd: 0.00000002, priced: true })
    const ranked = { service: 'rerank', provider, model: 'ranks', units: 50 } as const
    expect(costOf(prices, ranked)).toEqual({ costUsd: 0.002, priced: true })
  })

  test('what has no price costs nothing, and that is said', () => {
    const free = { costUsd: 0, priced: false }
    const asked = { provider, inputTokens: 10, outputTokens: 10 }
    for (const model of ['unknown', 'constructor', 'vectors'])
      expect(costOf(prices, { ...asked, service: 'model', model }), model).toEqual(free)
    expect(costOf(prices, { ...asked, service: 'embedding', model: 'large' })).toEqual(free)
    expect(costOf(prices, { ...asked, service: 'rerank', model: 'large' })).toEqual(free)
    // What is known of it counts.
    const half = { service: 'model', provider, model: 'half', inputTokens: 1_000_000 } as const
    expect(costOf(prices, { ...half, outputTokens: 1 })).toEqual({ costUsd: 2, priced: false })
    expect(costOf(prices, half)).toEqual({ costUsd: 2, priced: true })
  })

  test('what is built in is free, which is its price', () => {
    for (const service of ['model', 'embedding', 'rerank'] as const)
      expect(
        costOf(prices, { service, provider: 'built in', model: 'large', inputTokens: 9, outputTokens: 9 }),
      ).toEqual({ costUsd: 0, priced: true })
  })
})
