import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createSummaries } from '../../src/agents/runs/summarise.ts'
import { letGo } from '../../src/agents/takenBackStore.ts'
import { newId, type Scope } from '../../src/kernel/index.ts'
import { builtInModel } from '../../src/providers/builtInModel.ts'
import { createOpenaiModel } from '../../src/providers/openaiModel.ts'
import { type CallMade, createUsage } from '../../src/usage/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type KnowledgeWorld, openKnowledge, silent } from '../support/knowledgeWorld.ts'
import { type ScriptedModel, startScriptedModel } from '../support/services/scriptedModel.ts'

describe.each(databaseKinds)('K3 the beginning of a long conversation in few words, on %s', kind => {
  let world: KnowledgeWorld
  let model: ScriptedModel
  let shop: Scope
  const [agentId, contactId] = [newId(), newId()]
  let [conversationId, runId] = ['', '']
  let paid: CallMade[] = []
  beforeAll(async () => {
    world = await openKnowledge(kind)
    model = await startScriptedModel()
    shop = await world.newTenant()
    const { tenantId } = shop
    await world.owner.query(`insert into agents (tenant_id, id, name) values ($1, $2, 'A')`, [
      ...[tenantId, agentId],
    ])
    await world.owner.query('insert into contacts (tenant_id, id) values ($1, $2)', [tenantId, contactId])
  })
  beforeEach(() => {
    model.reset()
    paid = []
  })
  afterAll(async () => {
    await world.drop()
    await model.stop()
  })

  /** Of so many lines, each of which is told from all others. */
  async function conversationOf(lines: number, words = ''): Promise<void> {
    ;[conversationId, runId] = [newId(), newId()]
    const { tenantId } = shop
    await world.owner.query(
      `insert into conversations (tenant_id, id, contact_id, agent_id, asked_seq) values ($1, $2, $3, $4, $5)`,
      [tenantId, conversationId, contactId, agentId, lines],
    )
    await world.owner.query(
      `insert into agent_runs (tenant_id, id, conversation_id, agent_id, agent_version, epoch, answers_seq, state, node, lease_until,
         provider, model) values ($1, $2, $3, $4, 1, 0, $5, 'done', $2, now(), 'p', 'm')`,
      [tenantId, runId, conversationId, agentId, lines],
    )
    await world.owner.query(
      `insert into messages (tenant_id, id, conversation_id, seq, public_seq, client_id, sender_kind, sender_id, type, role, text, parts)
       select $1, gen_random_uuid(), $2, n, n, 'c' || n, 'contact', $3, 'text', 'user', '#' || n || '# ' || $5::text, '[]'
       from generate_series(1, $4::int) n`,
      [tenantId, conversationId, contactId, lines, words],
    )
  }
  const node = () =>
    createSummaries({
      db: world.db,
      models: {
        builtIn: builtInModel,
        service: { model: createOpenaiModel({ baseUrl: model.url }), name: 'dear', cheapName: 'cheap' },
      },
      usage: createUsage({ db: world.db, prices: { cheap: { input: 1, output: 1 } }, log: silent }),
      books: {
        record: async (_, call) => void paid.push(call),
        open: () => ({ inputTokens: 0, outputTokens: 0, costUsd: 0 }),
        close: async () => undefined,
      },
    })
  const summed = (signal = AbortSignal.timeout(20_000), summarise = node()) =>
    summarise(shop, { conversationId, agentId, runId, upTo: 10_000, signal })
  /** After as many runs as it takes. */
  async function summedUp(): Promise<void> {
    for (let before = -1; before < model.requests.length; ) {
      before = model.requests.length
      await summed()
    }
  }
  /** What each request told, by the numbers of its lines. */
  const told = () =>
    model.requests.map(({ body }) =>
      [...String(body.messages?.[1]?.content).matchAll(/#(\d+)#/g)].map(([, number]) => Number(number)),
    )
  const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1)
  const seq = async () => {
    const { rows } = await world.owner.query(
      'select seq::int from conversation_memory where conversation_id = $1',
      [conversationId],
    )
    return rows[0]?.seq
  }

  test('K3 comes well before lines are lost, and not before it is needed', async () => {
    await conversationOf(60)
    await summed()
    expect(model.requests).toEqual([])
    await conversationOf(110)
    await summed()
    expect(told().flat()).toEqual(upTo(98))
    expect(await seq()).toBe(98)
  })

  test('K3 tells the oldest first, page by page, every line once, each page with what was told before', async () => {
    await conversationOf(520, 'word '.repeat(60))
    model.always('chat', { text: 'They asked about oak.' })
    await summed()
    expect(told()).toHaveLength(3)
    await summedUp()
    expect(told().length).toBeGreaterThan(4)
    expect(told().flat()).toEqual(upTo(508))
    expect(await seq()).toBe(508)
    for (const { body } of model.requests.slice(1))
      expect(String(body.messages?.[1]?.content)).toContain('So far: They asked about oak.')
    for (const { body } of model.requests) expect(JSON.stringify(body.messages).length).toBeLessThan(40_000)
  })

  test('K6 begins from the beginning when a summary went with words that were taken back', async () => {
    await conversationOf(420)
    await summed()
    model.reset()
    // Later than any run here, so that the next one may keep what it tells.
    const place = { conversationId, seq: 200, askedSeq: 1_000_000, saidAt: new Date().toISOString() }
    await world.db.scoped(shop, tx => letGo(tx, shop, [place]))
    await summed()
    // What is left fits.
    expect(told().flat()).toEqual(upTo(376))
    expect(await seq()).toBe(376)
  })

  test('K11 is paid for by the run after which it comes, also when it is given up', async () => {
    await conversationOf(110)
    await summed()
    const payer = { runId, conversationId, agentId, afterRun: true }
    expect(paid).toMatchObject([{ model: 'cheap', ...payer }])
    await conversationOf(110)
    model.always('chat', { hang: true })
    await expect(summed(AbortSignal.timeout(300))).rejects.toThrow()
    expect(paid).toMatchObject([{}, { model: 'cheap', runId, inputTokens: expect.any(Number) }])
    expect(paid[1]?.inputTokens).toBeGreaterThan(100)
  })

  test('K11 two runs of a conversation tell a page once', async () => {
    await conversationOf(110)
    model.always('chat', { text: 'They asked about oak.', firstAfterMs: 300 })
    const summarise = node()
    await Promise.all([summed(undefined, summarise), summed(undefined, summarise)])
    expect(told().flat()).toEqual(upTo(98))
    expect(paid).toHaveLength(1)
  })

  test('K11 stays within the budget: nothing is told where there is no money for it, and nothing stays set aside', async () => {
    const { tenantId } = shop
    await world.owner.query(
      `insert into budgets (tenant_id, id, period, period_start, limit_usd, spent_usd)
       values ($1, $2, 'day', date_trunc('day', now(), 'UTC'), 1, 1)`,
      [tenantId, newId()],
    )
    const standing = async () => {
      const { rows } = await world.owner.query(
        `select reserved_usd::float8 as reserved, (select count(*)::int from budget_reservations where tenant_id = $1) as held
         from budgets where tenant_id = $1`,
        [tenantId],
      )
      return rows[0]
    }
    await conversationOf(110)
    await summed()
    expect(model.requests).toEqual([])
    expect(await standing()).toEqual({ reserved: 0, held: 0 })
    // A page costs a cent at most.
    await world.owner.query('update budgets set spent_usd = 0.99 where tenant_id = $1', [tenantId])
    await summed()
    expect(told().flat()).toEqual(upTo(98))
    expect(await standing()).toEqual({ reserved: 0, held: 0 })
    await world.owner.query('delete from budgets where tenant_id = $1', [tenantId])
  })
})
