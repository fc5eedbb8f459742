import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId, type Scope } from '../../src/kernel/index.ts'
import { addUpCosts } from '../../src/usage/index.ts'
import { type Grouping, groupings, sumUp } from '../../src/usage/store.ts'
import { databaseKinds } from '../support/databases.ts'
import { openUsage, type UsageWorld } from '../support/usageWorld.ts'

interface Spent {
  /** Days ago; 0 is today. */
  readonly ago: number
  readonly service: 'model' | 'embedding'
  readonly model: string
  readonly input: number
  readonly output: number
}

const events = fc.array(
  fc.record<Spent>({
    ago: fc.nat({ max: 4 }),
    service: fc.constantFrom('model', 'embedding'),
    model: fc.constantFrom('plain', 'other'),
    input: fc.nat({ max: 2_000_000_000 }),
    output: fc.nat({ max: 1_000 }),
  }),
  { maxLength: 25 },
)

describe.each(databaseKinds)('sums of costs on %s', kind => {
  let world: UsageWorld
  /** The beginning of the day that is not complete, as the database sees it: a day is complete an hour after its end. */
  let today: Date
  beforeAll(async () => {
    world = await openUsage(kind)
    const { rows } = await world.owner.query(
      `select date_trunc('day', now() - interval '1 hour', 'UTC') as today`,
    )
    today = rows[0]?.today
  })
  afterAll(() => world.drop())

  const dayOf = (ago: number) => new Date(today.getTime() - ago * 86_400_000).toISOString().slice(0, 10)
  const insert = async ({ tenantId }: Scope, { ago, service, model, input, output }: Spent) => {
    await world.owner.query(
      `insert into cost_events (tenant_id, id, service, provider, model, input_tokens, output_tokens, cost_usd, priced, created_at)
       values ($1, $2, $3, 'openai', $4, $5, $6, $7, true, $8::timestamptz + interval '12 hours')`,
      [
        ...[tenantId, newId(), service, model, input, output, input / 1e8],
        `${dayOf(ago)}T${ago === 0 ? '00:00' : '11:59:59.999'}Z`,
      ],
    )
  }
  const addUp = (scope: Scope) => world.db.scoped(scope, tx => addUpCosts(scope, tx))
  const told = async (scope: Scope, by: Grouping, from = 4, to = 0) => {
    const lines = await world.db.scoped(scope, tx =>
      sumUp(tx, scope, { from: dayOf(from), to: dayOf(to), by }),
    )
    const keyed = lines.map(({ day, service, provider, model, costUsd, ...counts }) => [
      [day, service, provider, model].filter(Boolean).join(' '),
      { ...counts, cost: Math.round(costUsd * 1e8) },
    ])
    expect(new Set(keyed.map(([key]) => key)).size).toBe(lines.length)
    return Object.fromEntries(keyed)
  }

  function expected(some: readonly Spent[], by: Grouping, from = 4, to = 0) {
    const sums: Record<string, { events: number; inputTokens: number; outputTokens: number; cost: number }> =
      {}
    for (const { ago, service, model, input, output } of some) {
      if (ago > from || ago < to) continue
      const key = { day: dayOf(ago), service, model: `openai ${model}` }[by]
      const sum = sums[key] ?? { events: 0, inputTokens: 0, outputTokens: 0, cost: 0 }
      sums[key] = {
        events: sum.events + 1,
        inputTokens: sum.inputTokens + input,
        outputTokens: sum.outputTokens + output,
        cost: sum.cost + input,
      }
    }
    return sums
  }

  test('K11: before, while and after days are added up, the sums are those of the events', async () => {
    await fc.assert(
      fc.asyncProperty(events, events, fc.nat({ max: 4 }), async (some, late, from) => {
        const scope = await world.newTenant()
        const all: Spent[] = []
        const check = async () => {
          for (const by of groupings) {
            expect(await told(scope, by)).toEqual(expected(all, by))
            expect(await told(scope, by, from, 1)).toEqual(expected(all, by, from, 1))
          }
        }
        const add = async (more: readonly Spent[]) => {
          for (const each of more) await insert(scope, each)
          all.push(...more)
        }
        // In order, as time goes: what is older than a sum does not come any more.
        await add(some.filter(({ input }) => input < 100_000_000))
        await check()
        await addUp(scope)
        await check()
        await add(late.filter(({ ago }) => ago === 0))
        await addUp(scope)
        await addUp(scope)
        await check()
      }),
      { numRuns: 12 },
    )
  }, 120_000)

  test('K11: today is not added up, yesterday once; sums outlive their events', async () => {
    const scope = await world.newTenant()
    const one = { service: 'model', model: 'plain', input: 100, output: 1 } as const
    for (const ago of [0, 1, 1, 3]) await insert(scope, { ...one, ago })
    await Promise.all([addUp(scope), addUp(scope)])
    await addUp(scope)
    const { rows } = await world.owner.query<{ day: Date; events: number }>(
      'select day, events from cost_summaries where tenant_id = $1 order by day',
      [scope.tenantId],
    )
    expect(rows.map(({ day, events: count }) => [day.toISOString().slice(0, 10), count])).toEqual([
      [dayOf(3), 1],
      [dayOf(1), 2],
    ])
    const before = await told(scope, 'day')
    await world.owner.query(`delete from cost_events where tenant_id = $1 and created_at < $2`, [
      scope.tenantId,
      today,
    ])
    await addUp(scope)
    expect(await told(scope, 'day')).toEqual(before)
  })

  test('K11: a day of more tokens than its column holds is added up all the same', async () => {
    const scope = await world.newTenant()
    const many = { ago: 1, service: 'model', model: 'plain', input: 2_000_000_000, output: 0 } as const
    for (const _ of [1, 2]) await insert(scope, many)
    expect(await told(scope, 'day')).toMatchObject({ [dayOf(1)]: { inputTokens: 4_000_000_000 } })
    await addUp(scope)
    expect(await told(scope, 'day')).toMatchObject({
      [dayOf(1)]: { events: 2, inputTokens: 2_147_483_647, cost: 4_000_000_000 },
    })
  })
})
