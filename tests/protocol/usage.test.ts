import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'

interface Summary {
  from: string
  to: string
  items: {
    day: string | null
    model: string | null
    service: string | null
    costUsd: number
    events: number
  }[]
}
interface Budget {
  period: string
  limitUsd: number
  economyFrom: number
  builtInAfter: boolean
  alertAt: number[]
  spentUsd: number
  reservedUsd: number
  periodStart: string
}
interface List<Item> {
  items: Item[]
  nextCursor: string | null
}

const budgets = '/api/v1/usage/budgets'

describe.each(databaseKinds)('K11: what was used, on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
  })
  afterAll(() => parley.remove())

  const get = async <Body>(path: string) => {
    const answer = await workspace.owner.call<Body>('get', path)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body
  }
  const insert = async (table: string, values: Record<string, unknown>) => {
    const row: Record<string, unknown> = { tenant_id: workspace.tenantId, id: newId(), ...values }
    await parley.owner.query(
      `insert into ${table} (${Object.keys(row)}) values (${Object.keys(row).map((_, at) => `$${at + 1}`)})`,
      Object.values(row),
    )
    return String(row.id)
  }
  const call = (values: Record<string, unknown>) =>
    insert('cost_events', { service: 'model', provider: 'openai', model: 'plain', priced: true, ...values })

  test('K11: calls are listed with what they cost and whether that is known, and are found by what they were for', async () => {
    const [runId, agentId, sourceId, conversationId] = [newId(), newId(), newId(), newId()]
    const answer = await call({
      ...{ run_id: runId, agent_id: agentId, conversation_id: conversationId },
      ...{ input_tokens: 900, output_tokens: 100, cached_tokens: 500, cost_usd: '0.00000012' },
    })
    const embedded = await call({
      ...{ service: 'embedding', model: 'new', priced: false, source_id: sourceId, units: 3 },
      created_at: new Date(Date.now() - 3_600_000),
    })
    const ids = async (query: string) =>
      (await get<List<{ id: string }>>(`/api/v1/usage/events?${query}`)).items.map(({ id }) => id)
    expect((await ids('')).sort()).toEqual([answer, embedded].sort())
    for (const query of [`runId=${runId}`, `agentId=${agentId}`, `conversationId=${conversationId}`])
      expect(await ids(query), query).toEqual([answer])
    for (const query of ['service=model', 'model=plain', 'priced=true', 'priced=true&service=model'])
      expect(await ids(query), query).toEqual([answer])
    for (const query of [`sourceId=${sourceId}`, 'service=embedding', 'priced=false', 'model=new'])
      expect(await ids(query), query).toEqual([embedded])
    expect(await ids('priced=false&service=model')).toEqual([])
    const recent = new Date(Date.now() - 600_000).toISOString()
    expect(await ids(`from=${recent}`)).toEqual([answer])
    expect(await ids(`until=${recent}`)).toEqual([embedded])
    const { items } = await get<List<object>>(`/api/v1/usage/events?runId=${runId}`)
    expect(items[0]).toMatchObject({
      ...{ provider: 'openai', inputTokens: 900, outputTokens: 100, cachedTokens: 500, units: 0 },
      ...{ costUsd: 1.2e-7, priced: true, sourceId: null, conversationId },
    })
    const first = await get<List<{ id: string }>>('/api/v1/usage/events?limit=1')
    const second = await get<List<{ id: string }>>(`/api/v1/usage/events?limit=1&cursor=${first.nextCursor}`)
    expect([...first.items, ...second.items].map(({ id }) => id).sort()).toEqual([answer, embedded].sort())
    expect(second.nextCursor).toBeNull()
  })

  test('K11: sums go up to this moment, by day, model and service', async () => {
    const summary = (query: string) => get<Summary>(`/api/v1/usage/summary?${query}`)
    const before = await summary('by=service')
    await call({ service: 'rerank', model: 'ranks', cost_usd: 0.25, units: 7 })
    const today = new Date().toISOString().slice(0, 10)
    const after = await summary('by=service')
    expect(before.items.some(({ service }) => service === 'rerank')).toBe(false)
    expect(after.items.find(({ service }) => service === 'rerank')).toMatchObject({
      costUsd: 0.25,
      events: 1,
    })
    expect(after.to).toBe(today)
    expect(Date.parse(after.to) - Date.parse(after.from)).toBe(29 * 86_400_000)
    const models = await summary('by=model')
    expect(models.items[0]).toMatchObject({ model: 'ranks', provider: 'openai', costUsd: 0.25, day: null })
    const days = await summary(`from=${today}&to=${today}`)
    expect(days.items.map(({ day }) => day)).toEqual([today])
    expect((await summary('to=2001-01-01')).items).toEqual([])
    for (const query of ['from=2030-02-01&to=2030-01-01', 'from=2020-01-01&to=2030-01-01', 'from=2030-01-01'])
      expect(faultPaths(await workspace.owner.call('get', `/api/v1/usage/summary?${query}`)), query).toEqual([
        'from',
      ])
    const wrong = await workspace.owner.call('get', '/api/v1/usage/summary?from=2030-02-30&by=week')
    expect(faultPaths(wrong)).toEqual(['by', 'from'])
  })

  test('K11: a budget is set, read, changed and taken away', async () => {
    const put = (period: string, body: object) =>
      workspace.owner.call<Budget>('put', `${budgets}/${period}`, body)
    expectProblem(await workspace.owner.call('get', `${budgets}/month`), 'not_found')
    const made = await put('month', { limitUsd: 25 })
    expect(made.status).toBe(200)
    expect(made.body).toMatchObject({
      ...{ period: 'month', limitUsd: 25, economyFrom: 0.8, builtInAfter: true, alertAt: [0.5, 0.8, 1] },
      // What was spent before this is in it.
      ...{ spentUsd: 0.25000012, reservedUsd: 0 },
    })
    expect(made.body.periodStart).toBe(`${new Date().toISOString().slice(0, 7)}-01T00:00:00.000Z`)
    const shares = { limitUsd: 0.123456789, economyFrom: 0.33333, alertAt: [1, 0.5001, 0.5, 0] }
    expect((await put('month', { ...shares, builtInAfter: false })).body).toMatchObject({
      ...{ limitUsd: 0.12345679, economyFrom: 0.333, alertAt: [0.5, 1], builtInAfter: false },
    })
    expect(await get<Budget>(`${budgets}/month`)).toMatchObject({ limitUsd: 0.12345679, economyFrom: 0.333 })
    for (const [body, path] of [
      [{}, 'limitUsd'],
      [{ limitUsd: -1 }, 'limitUsd'],
      [{ limitUsd: 1e7 }, 'limitUsd'],
      [{ limitUsd: 1, economyFrom: 1.1 }, 'economyFrom'],
      [{ limitUsd: 1, alertAt: [2.1] }, 'alertAt.0'],
    ] as const)
      expect(faultPaths(await put('month', body)), JSON.stringify(body)).toEqual([path])
    expect(faultPaths(await put('week', { limitUsd: 1 }))).toEqual(['period'])
    for (const _ of [1, 2])
      expect((await workspace.owner.call('delete', `${budgets}/month`)).status).toBe(204)
    expectProblem(await workspace.owner.call('get', `${budgets}/month`), 'not_found')
  })

  test('K11: a budget of a day that is over shows the new day, before anybody spends', async () => {
    await workspace.owner.call('put', `${budgets}/day`, { limitUsd: 1, alertAt: [] })
    await parley.owner.query(
      `update budgets set spent_usd = 0.5, reserved_usd = 0.25, period_start = period_start - interval '1 day'
       where tenant_id = $1`,
      [workspace.tenantId],
    )
    const { spentUsd, reservedUsd, periodStart } = await get<Budget>(`${budgets}/day`)
    expect([spentUsd, reservedUsd]).toEqual([0, 0])
    expect(periodStart).toBe(`${new Date().toISOString().slice(0, 10)}T00:00:00.000Z`)
  })

  test('K11: an alert is listed until somebody has seen to it; who may only read cannot', async () => {
    const budget = await workspace.owner.call('put', `${budgets}/month`, { limitUsd: 0.3 })
    expect(budget.status).toBe(200)
    const list = (query: string) =>
      get<List<{ id: string; threshold: number; resolved: boolean }>>(`/api/v1/usage/alerts?${query}`)
    const open = await list('resolved=false')
    expect(open.items.map(({ threshold }) => threshold).sort()).toEqual([0.5, 0.8])
    expect(open.items[0]).toMatchObject({ period: 'month', currentSpend: 0.25000012, resolved: false })
    const path = `/api/v1/usage/alerts/${open.items[0]?.id}/resolve`
    const reader = await quickMember(parley, workspace, 'agent_admin')
    expectProblem(await reader.call('post', path), 'forbidden')
    for (const _ of [1, 2]) {
      const { status, body } = await workspace.owner.call<{ resolved: boolean }>('post', path)
      expect([status, body.resolved]).toEqual([200, true])
    }
    expect((await list('resolved=false')).items).toHaveLength(1)
    expect((await list('resolved=true')).items.map(({ id }) => id)).toEqual([open.items[0]?.id])
    expect((await list('')).items).toHaveLength(2)
    const { rows } = await parley.owner.query(
      `select count(*)::int as count from audit_logs where tenant_id = $1 and action = 'budget_alert.resolved'`,
      [workspace.tenantId],
    )
    expect(rows).toEqual([{ count: 1 }])
    expectProblem(await workspace.owner.call('post', `/api/v1/usage/alerts/${newId()}/resolve`), 'not_found')
  })
})
