import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newId, type Scope } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { costing, openUsage, type UsageWorld } from '../support/usageWorld.ts'

/** K11: what a run may spend, and what becomes of what it set aside. */
describe.each(databaseKinds)('budgets on %s', kind => {
  let world: UsageWorld
  let scope: Scope
  beforeAll(async () => {
    world = await openUsage(kind)
  })
  beforeEach(async () => {
    scope = await world.newTenant()
  })
  afterAll(() => world.drop())

  const reserve = (estimateUsd: number, runId = newId()) => world.usage.reserve(scope, { runId, estimateUsd })
  const rungOf = async (estimateUsd: number) => (await reserve(estimateUsd)).rung
  const held = async () =>
    (
      await world.owner.query<{ period: string; amount: number }>(
        `select b.period, r.amount_usd::float8 as amount from budget_reservations r join budgets b on b.id = r.budget_id
         where r.tenant_id = $1 order by b.period, r.created_at`,
        [scope.tenantId],
      )
    ).rows.map(({ period, amount }) => [period, amount])

  test('K11: without a budget everything is allowed, and nothing is kept', async () => {
    const { rung, reservation } = await reserve(1_000_000)
    expect(rung).toBe('full')
    expect(await held()).toEqual([])
    await world.usage.settle(scope, reservation, 1_000_000)
  })

  test('K11: full, then the cheaper model, then built-in answers or people', async () => {
    await world.set(scope, 'day', { limitUsd: 1, economyFrom: 0.5 })
    expect(await rungOf(0.4)).toBe('full')
    expect(await rungOf(0.1)).toBe('full')
    expect(await rungOf(0.3)).toBe('economy')
    expect(await rungOf(0.21)).toBe('built_in')
    expect(await rungOf(0.2)).toBe('economy')
    expect(await rungOf(0.00000001)).toBe('built_in')
    // What costs nothing needs no money.
    expect(await rungOf(0)).toBe('economy')
    await world.set(scope, 'day', { limitUsd: 1, economyFrom: 0.5, builtInAfter: false })
    expect(await rungOf(0.1)).toBe('people')
    expect(await world.standing(scope)).toEqual({ spent: 0, reserved: 1 })
  })

  test('K11: of a day’s and a month’s budget both must allow it, and the stricter one says what happens', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    await world.set(scope, 'month', { limitUsd: 3, economyFrom: 0.1, builtInAfter: false })
    expect(await rungOf(0.5)).toBe('full')
    expect(await rungOf(0.25)).toBe('economy')
    expect(await rungOf(0.5)).toBe('built_in')
    expect(await rungOf(4)).toBe('people')
    const standing = { spent: 0, reserved: 0.75 }
    expect(await world.standing(scope, 'day')).toEqual(standing)
    expect(await world.standing(scope, 'month')).toEqual(standing)
  })

  test('K11: settling puts what it cost in the place of what was reserved, once', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    const { reservation } = await reserve(0.6)
    const other = world.anotherNode(1)
    await world.usage.settle(scope, reservation, 0.1)
    await other.settle(scope, reservation, 0.1)
    await other.close()
    expect(await world.standing(scope)).toEqual({ spent: 0.1, reserved: 0 })
    expect(await held()).toEqual([])
    expect(await rungOf(0.9)).toBe('full')
  })

  test('K11: what others recorded for a run counts, where the run itself knows of less', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    const runId = newId()
    await world.usage.record(scope, { ...costing(0.2), runId })
    const { reservation } = await reserve(0.5, runId)
    await world.usage.record(scope, { ...costing(0.1), runId })
    await world.usage.record(scope, { ...costing(0.4), runId: newId() })
    expect(await world.standing(scope)).toEqual({ spent: 0, reserved: 0.5 })
    await world.usage.settle(scope, reservation, 0.1)
    expect(await world.standing(scope)).toEqual({ spent: 0.3, reserved: 0 })
  })

  test('K11: a run that was refused and cost something all the same is not forgotten', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    const { rung, reservation } = await reserve(2)
    expect(rung).toBe('built_in')
    await world.usage.settle(scope, reservation, 0.05)
    expect(await world.standing(scope)).toEqual({ spent: 0.05, reserved: 0 })
  })

  test('K11: the same run again reserves anew, or keeps what it has', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    const runId = newId()
    await reserve(0.6, runId)
    expect((await reserve(0.9, runId)).rung).toBe('full')
    expect(await world.standing(scope)).toEqual({ spent: 0, reserved: 0.9 })
    const { rung, reservation } = await reserve(1.1, runId)
    expect(rung).toBe('built_in')
    expect(await world.standing(scope)).toEqual({ spent: 0, reserved: 0.9 })
    await world.usage.settle(scope, reservation, 0.5)
    expect(await world.standing(scope)).toEqual({ spent: 0.5, reserved: 0 })
  })

  test('K11: a new day begins with nothing spent, while the month goes on', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    await world.set(scope, 'month', { limitUsd: 10 })
    const { reservation } = await reserve(0.5)
    await world.usage.settle(scope, (await reserve(0.25)).reservation, 0.25)
    await world.age(scope, 'day', '1 day')
    expect(await rungOf(1)).toBe('full')
    expect(await world.standing(scope, 'day')).toEqual({ spent: 0, reserved: 1 })
    expect(await world.standing(scope, 'month')).toEqual({ spent: 0.25, reserved: 1.5 })
    // What began yesterday is paid from the money of yesterday.
    await world.usage.settle(scope, reservation, 0.5)
    expect(await world.standing(scope, 'day')).toEqual({ spent: 0, reserved: 1 })
    expect(await world.standing(scope, 'month')).toEqual({ spent: 0.75, reserved: 1 })
  })

  test('K11: whoever comes from before midnight after it does not bring yesterday back', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    await world.usage.settle(scope, (await reserve(0.25)).reservation, 0.25)
    await world.age(scope, 'day', '-1 day')
    expect(await rungOf(0.5)).toBe('full')
    expect(await world.standing(scope)).toEqual({ spent: 0.25, reserved: 0.5 })
  })

  test('K11: what is never settled lapses, except for what it is known to have cost', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    const [dead, alive] = [newId(), newId()]
    const { reservation } = await reserve(0.9, dead)
    await world.usage.record(scope, { ...costing(0.25), runId: dead })
    expect(await rungOf(0.75)).toBe('built_in')
    await world.lapse(scope, dead)
    expect((await reserve(0.75, alive)).rung).toBe('full')
    expect(await world.standing(scope)).toEqual({ spent: 0.25, reserved: 0.75 })
    // It comes after all: as if nothing had happened.
    await world.usage.settle(scope, reservation, 0.3)
    await world.usage.settle(scope, reservation, 0.3)
    expect(await world.standing(scope)).toEqual({ spent: 0.3, reserved: 0.75 })
  })

  test('K11: a lapsed run that reserves again pays once', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    const runId = newId()
    await reserve(0.5, runId)
    await world.usage.record(scope, { ...costing(0.25), runId })
    await world.lapse(scope, runId)
    await reserve(0.1)
    const { reservation } = await reserve(0.5, runId)
    expect(await world.standing(scope)).toEqual({ spent: 0, reserved: 0.6 })
    await world.usage.settle(scope, reservation, 0.4)
    expect(await world.standing(scope)).toEqual({ spent: 0.4, reserved: 0.1 })
  })

  test('K11: a run that does not come for a day is paid and forgotten', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    const runId = newId()
    await reserve(0.5, runId)
    await world.usage.record(scope, { ...costing(0.25), runId })
    await world.lapse(scope, runId)
    await world.usage.record(scope, costing(0.01))
    expect(await held()).toEqual([['day', -0.25]])
    await world.usage.record(scope, { ...costing(0.1), runId })
    await world.lapse(scope, runId)
    await world.usage.record(scope, costing(0.01))
    expect(await held()).toEqual([])
    expect(await world.standing(scope)).toEqual({ spent: 0.37, reserved: 0 })
  })

  test('K11: a call outside of runs is paid at once, in the transaction that it is given', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    expect(await world.usage.record(scope, costing(0.25))).toEqual({ costUsd: 0.25, priced: true })
    const failed = world.db.scoped(scope, async tx => {
      await world.usage.record(scope, costing(0.5), tx)
      throw new Error('undone')
    })
    await expect(failed).rejects.toThrow('undone')
    expect(await world.standing(scope)).toEqual({ spent: 0.25, reserved: 0 })
    const unpriced = { service: 'model', provider: 'openai', model: 'new', inputTokens: 5 } as const
    expect(await world.usage.record(scope, unpriced)).toEqual({ costUsd: 0, priced: false })
    const { rows } = await world.owner.query(
      'select model, cost_usd::float8 as cost, priced from cost_events where tenant_id = $1 order by id',
      [scope.tenantId],
    )
    expect(rows).toEqual([
      { model: 'plain', cost: 0.25, priced: true },
      { model: 'new', cost: 0, priced: false },
    ])
  })

  test('K11: a budget made within its period begins with what the period has cost', async () => {
    await world.usage.record(scope, costing(0.25))
    await world.usage.record(scope, { ...costing(0.5), runId: newId() })
    await Promise.all([1, 2, 3].map(limitUsd => world.set(scope, 'month', { limitUsd })))
    expect(await world.standing(scope, 'month')).toEqual({ spent: 0.75, reserved: 0 })
    const { rows } = await world.owner.query(
      `select action from audit_logs where tenant_id = $1 and resource_type = 'budget' and action <> 'budget.alerted'
       order by action`,
      [scope.tenantId],
    )
    expect(rows.map(({ action }) => action)).toEqual(['budget.created', 'budget.updated', 'budget.updated'])
  })
})
