import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import type { Reservation, Rung } from '../../src/usage/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { costing, openUsage, type UsageWorld } from '../support/usageWorld.ts'

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)

/** The smallest sum of money there is, so that sums in tests are exact. */
const unit = 1e-8
const usd = (units: number) => Number((units * unit).toFixed(8))
const units = (amount: number) => Math.round(amount / unit)

interface Run {
  readonly estimate: number
  /** Of the estimate, in percent. */
  readonly used: number
  readonly node: number
  readonly settles: 0 | 1 | 2
  /** It reserves a second time, and this much. */
  readonly again: number | undefined
}

const amounts = fc.oneof(
  fc.integer({ min: 0, max: 50 }),
  fc.integer({ min: 0, max: 300_000_000 }),
  fc.constant(100_000_000),
)
const runs = fc.array(
  fc.record<Run>({
    estimate: amounts,
    used: fc.integer({ min: 0, max: 100 }),
    node: fc.nat({ max: 2 }),
    settles: fc.constantFrom(0, 1, 1, 1, 2),
    again: fc.option(amounts, { nil: undefined, freq: 5 }),
  }),
  { minLength: 2, maxLength: 40 },
)
const limit = fc.option(fc.oneof(amounts, fc.constant(1_000_000_000)), { nil: undefined, freq: 4 })

describe.each(databaseKinds)('many runs at once on %s', kind => {
  let world: UsageWorld
  let nodes: ReturnType<UsageWorld['anotherNode']>[]
  beforeAll(async () => {
    world = await openUsage(kind)
    // The database itself watches every change, also those that nobody sees.
    await world.owner.query(`alter table budgets add constraint never_beyond
      check (spent_usd >= 0 and reserved_usd >= 0 and spent_usd + reserved_usd <= limit_usd)`)
    nodes = [1, 3, 8].map(connections => world.anotherNode(connections))
    console.log(`fuzz seed: ${seed}`)
  })
  afterAll(async () => {
    await Promise.all(nodes.map(node => node.close()))
    await world.drop()
  })

  test('K11: whatever is reserved and settled at once on any number of connections, no limit is passed', async () => {
    await fc.assert(
      fc.asyncProperty(runs, limit, limit, async (some, day, month) => {
        const scope = await world.newTenant()
        if (day !== undefined) await world.set(scope, 'day', { limitUsd: usd(day) })
        if (month !== undefined) await world.set(scope, 'month', { limitUsd: usd(month) })

        const attempt = async ({ estimate, used, node, settles, again }: Run) => {
          const usage = nodes[node] ?? world.usage
          const runId = newId()
          let { rung, reservation } = await usage.reserve(scope, { runId, estimateUsd: usd(estimate) })
          let granted = allowed(rung) ? estimate : 0
          if (again !== undefined) {
            ;({ rung, reservation } = await usage.reserve(scope, { runId, estimateUsd: usd(again) }))
            if (allowed(rung)) granted = again
          }
          const cost = Math.floor((granted * used) / 100)
          await settleTimes(reservation, cost, settles, node)
          return settles > 0 ? { spent: cost, reserved: 0 } : { spent: 0, reserved: granted }
        }
        // Each time on another node, and at the same time.
        const settleTimes = (reservation: Reservation, cost: number, times: number, node: number) =>
          Promise.all(
            Array.from({ length: times }, (_, at) =>
              nodes[(node + at) % nodes.length]?.settle(scope, reservation, usd(cost)),
            ),
          )

        const outcomes = await Promise.all(some.map(attempt))
        const sum = (what: 'spent' | 'reserved') => outcomes.reduce((total, each) => total + each[what], 0)
        for (const [period, limited] of [
          ['day', day],
          ['month', month],
        ] as const) {
          if (limited === undefined) continue
          const { spent, reserved } = await world.standing(scope, period)
          expect([units(spent), units(reserved)], period).toEqual([sum('spent'), sum('reserved')])
          expect(sum('spent') + sum('reserved')).toBeLessThanOrEqual(limited)
        }
      }),
      { seed, numRuns: kind === 'embedded' ? 15 : 25 },
    )
  }, 120_000)

  test('K11: one after the other, nothing is refused that fits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(amounts, fc.boolean()), { maxLength: 15 }),
        amounts,
        async (some, limited) => {
          const scope = await world.newTenant()
          await world.set(scope, 'day', { limitUsd: usd(limited), economyFrom: 0.5 })
          let used = 0
          for (const [estimate, settles] of some) {
            const run = { runId: newId(), estimateUsd: usd(estimate) }
            const { rung, reservation } = await world.usage.reserve(scope, run)
            const expected: Rung =
              estimate > 0 && used + estimate > limited
                ? 'built_in'
                : used >= Math.round(limited / 2)
                  ? 'economy'
                  : 'full'
            expect(rung).toBe(expected)
            const granted = allowed(rung) ? estimate : 0
            const cost = settles ? Math.floor(granted / 3) : granted
            if (settles) await world.usage.settle(scope, reservation, usd(cost))
            used += cost
          }
        },
      ),
      { seed, numRuns: 15 },
    )
  }, 120_000)

  test('K11: calls outside of runs at the same time lose nothing', async () => {
    const scope = await world.newTenant()
    await world.set(scope, 'day', { limitUsd: 100 })
    await Promise.all(
      Array.from({ length: 30 }, async (_, at) => {
        const usage = nodes[at % nodes.length] ?? world.usage
        await usage.record(scope, costing(0.1))
        const { reservation } = await usage.reserve(scope, { runId: newId(), estimateUsd: 0.3 })
        await usage.settle(scope, reservation, 0.2)
      }),
    )
    expect(await world.standing(scope)).toEqual({ spent: 9, reserved: 0 })
  })
})

const allowed = (rung: Rung): boolean => rung === 'full' || rung === 'economy'
