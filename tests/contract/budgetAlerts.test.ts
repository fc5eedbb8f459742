import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newId, type Scope } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { costing, openUsage, type UsageWorld } from '../support/usageWorld.ts'

describe.each(databaseKinds)('alerts of budgets on %s', kind => {
  let world: UsageWorld
  let scope: Scope
  beforeAll(async () => {
    world = await openUsage(kind)
  })
  beforeEach(async () => {
    scope = await world.newTenant()
  })
  afterAll(() => world.drop())

  const spend = (usd: number) => world.usage.record(scope, costing(usd))
  const raised = async () =>
    (
      await world.owner.query<{ period: string; threshold: number; severity: string; spend: number }>(
        `select b.period, a.threshold::float8 as threshold, a.severity, a.current_spend::float8 as spend
         from budget_alerts a join budgets b on b.id = a.budget_id where a.tenant_id = $1 order by b.period, a.current_spend, a.threshold`,
        [scope.tenantId],
      )
    ).rows.map(({ period, threshold, severity, spend: at }) => `${period} ${threshold} ${severity} ${at}`)
  const audited = async () =>
    (
      await world.owner.query<{ new_values: { threshold: number; spentUsd: number } }>(
        `select new_values from audit_logs where tenant_id = $1 and action = 'budget.alerted'
         order by new_values->'threshold'`,
        [scope.tenantId],
      )
    ).rows.map(({ new_values: { threshold, spentUsd } }) => [threshold, spentUsd])

  test('K11: each share is told once: as a row, in the audit log and as an event', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    await spend(0.49)
    expect(await raised()).toEqual([])
    await spend(0.01)
    await spend(0.01)
    expect(await raised()).toEqual(['day 0.5 notice 0.5'])
    await spend(0.5)
    await spend(1)
    expect(await raised()).toEqual(['day 0.5 notice 0.5', 'day 0.8 warning 1.01', 'day 1 exhausted 1.01'])
    const told = [
      [0.5, 0.5],
      [0.8, 1.01],
      [1, 1.01],
    ]
    expect(await audited()).toEqual(told)
    const { rows } = await world.owner.query('select id, budget_id from budget_alerts where tenant_id = $1', [
      scope.tenantId,
    ])
    const ids = rows.map(({ id }) => id)
    const events = world.events.flatMap(event =>
      event.type === 'budget.alert' && ids.includes(event.alertId) ? [event] : [],
    )
    expect(events.map(({ threshold, spentUsd }) => [threshold, spentUsd])).toEqual(told)
    expect(events[0]).toMatchObject({ budgetId: rows[0]?.budget_id, period: 'day', limitUsd: 1 })
  })

  test('K11: of many runs that settle at once, one tells', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    await world.set(scope, 'month', { limitUsd: 2 })
    const other = world.anotherNode(5)
    await Promise.all(
      Array.from({ length: 10 }, async (_, at) => {
        const usage = at % 2 ? other : world.usage
        const { reservation } = await usage.reserve(scope, { runId: newId(), estimateUsd: 0.1 })
        await usage.settle(scope, reservation, 0.1)
      }),
    )
    await other.close()
    expect((await raised()).map(line => line.replace(/ [\d.]+$/, '')).sort()).toEqual([
      'day 0.5 notice',
      'day 0.8 warning',
      'day 1 exhausted',
      'month 0.5 notice',
    ])
    expect(await audited()).toHaveLength(4)
  })

  test('K11: a run that does not fit tells that the budget is exhausted, though a little is left', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    await world.set(scope, 'month', { limitUsd: 10 })
    await spend(0.45)
    for (const _ of [1, 2]) await world.usage.reserve(scope, { runId: newId(), estimateUsd: 0.6 })
    expect(await raised()).toEqual(['day 1 exhausted 0.45'])
  })

  test('K11: the next period tells again', async () => {
    await world.set(scope, 'day', { limitUsd: 1, alertAt: [0.5] })
    await spend(0.5)
    await world.age(scope, 'day', '1 day')
    await world.owner.query(
      `update budget_alerts set period_start = period_start - interval '1 day' where tenant_id = $1`,
      [scope.tenantId],
    )
    await spend(0.4)
    expect(await raised()).toHaveLength(1)
    await spend(0.4)
    expect(await raised()).toEqual(['day 0.5 notice 0.5', 'day 0.5 notice 0.8'])
  })

  test('K11: a limit that is reached when it is set is told at once', async () => {
    await spend(0.9)
    await world.set(scope, 'month', { limitUsd: 1 })
    expect(await raised()).toEqual(['month 0.5 notice 0.9', 'month 0.8 warning 0.9'])
    await world.set(scope, 'month', { limitUsd: 0.9 })
    expect(await raised()).toHaveLength(3)
  })

  test('K11: an alert stands or falls with what raised it', async () => {
    await world.set(scope, 'day', { limitUsd: 1 })
    const heard = world.events.length
    const undone = world.db.scoped(scope, async tx => {
      await world.usage.record(scope, costing(1), tx)
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect([await raised(), await audited()]).toEqual([[], []])
    expect(world.events.length).toBe(heard)
  })
})
