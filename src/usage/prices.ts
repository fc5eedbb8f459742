import type { costServices } from './schema.ts'

/** US dollars per million tokens; for a ranking service, per thousand requests. */
export interface Price {
  readonly input?: number | undefined
  readonly output?: number | undefined
  readonly embedding?: number | undefined
  readonly rerank?: number | undefined
}

export type Prices = Readonly<Record<string, Price>>

/** One call of a service, as it is counted. */
export interface Call {
  readonly service: (typeof costServices)[number]
  /** As the port names itself; what is `built in` costs nothing. */
  readonly provider: string
  readonly model: string
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** How many of the input tokens the service had in a cache. They are priced like the others. */
  readonly cachedTokens?: number
  /** How many things were reranked or embedded. */
  readonly units?: number
}

export interface Cost {
  readonly costUsd: number
  /** Whether every price that it needs was known; what is not known counts as nothing. */
  readonly priced: boolean
}

/** Sums of money have eight decimals, here and in the tables: so what is added up here is what is stored. */
export const dollars = (amount: number): number => Math.round(amount * 1e8) / 1e8

export function costOf(prices: Prices, call: Call): Cost {
  if (call.provider === 'built in') return { costUsd: 0, priced: true }
  // Not what every object has, should a model be called `constructor`.
  const price = Object.hasOwn(prices, call.model) ? (prices[call.model] ?? {}) : {}
  const needed = itemsOf(call, price).filter(({ amount }) => amount > 0)
  return {
    costUsd: dollars(needed.reduce((sum, { amount, at = 0 }) => sum + amount * at, 0)),
    priced: needed.every(({ at }) => at !== undefined),
  }
}

interface Item {
  readonly amount: number
  readonly at: number | undefined
}

function itemsOf(call: Call, price: Price): Item[] {
  const { service, inputTokens = 0, outputTokens = 0 } = call
  if (service === 'rerank') return [{ amount: 1e-3, at: price.rerank }]
  if (service === 'embedding') return [{ amount: inputTokens / 1e6, at: price.embedding }]
  return [
    { amount: inputTokens / 1e6, at: price.input },
    { amount: outputTokens / 1e6, at: price.output },
  ]
}
