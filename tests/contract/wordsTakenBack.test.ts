import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { letGoOfWords, mayKeepWords } from '../../src/agents/index.ts'
import { keepSummary } from '../../src/agents/runs/summarise.ts'
import { writeSummary } from '../../src/agents/runs/summaryStore.ts'
import { rememberTool } from '../../src/agents/tools/rememberTool.ts'
import { lockConversations } from '../../src/chat/index.ts'
import type { Transaction } from '../../src/db/index.ts'
import { letGoOfWords as letGoOfBriefs, recordMovement } from '../../src/desk/index.ts'
import { type ConversationMoved, newId, type Scope, type WordsTakenBack } from '../../src/kernel/index.ts'
import { createFinder } from '../../src/knowledge/index.ts'
import { insertRetrieval } from '../../src/knowledge/retrievalStore.ts'
import { databaseKinds } from '../support/databases.ts'
import { type KnowledgeWorld, openKnowledge, silent } from '../support/knowledgeWorld.ts'

/** What a run keeps, and whoever takes back what it has read, come one after the other: what either finds then is right. */
describe.each(databaseKinds)('S5: words are taken back while something is made of them, on %s', kind => {
  let world: KnowledgeWorld
  let shop: Scope
  const [agentId, contactId] = [newId(), newId()]
  let conversationId = ''
  let runId = ''
  let event: WordsTakenBack

  beforeAll(async () => {
    world = await openKnowledge(kind)
    shop = await world.newTenant()
    await world.owner.query(`insert into agents (tenant_id, id, name) values ($1, $2, 'A')`, [
      ...[shop.tenantId, agentId],
    ])
    await world.owner.query('insert into contacts (tenant_id, id) values ($1, $2)', [
      shop.tenantId,
      contactId,
    ])
  })
  afterAll(() => world.drop())

  /** A question at the third place of its log, and a run that answers it. */
  beforeEach(async () => {
    conversationId = newId()
    runId = newId()
    event = {
      type: 'words.taken_back',
      places: [{ conversationId, seq: 3, askedSeq: 3, saidAt: new Date(0).toISOString() }],
    }
    await world.owner.query(
      'insert into conversations (tenant_id, id, contact_id, agent_id, asked_seq) values ($1, $2, $3, $4, 3)',
      [shop.tenantId, conversationId, contactId, agentId],
    )
    await insertRun(runId, 3)
  })

  const insertRun = (id: string, answersSeq: number, state = 'running') =>
    world.owner.query(
      `insert into agent_runs (tenant_id, id, conversation_id, agent_id, agent_version, epoch, answers_seq, state, node, lease_until,
         provider, model) values ($1, $2, $3, $4, 1, 0, $5, $6, $2, now(), 'p', 'm')`,
      [shop.tenantId, id, conversationId, agentId, answersSeq, state],
    )
  const inShop = <Result>(work: (tx: Transaction) => Promise<Result>) => world.db.scoped(shop, work)
  /** As the log does it: with the conversation in hand. */
  async function letGo(tx: Transaction, reached?: () => Promise<void>): Promise<void> {
    await lockConversations(tx, shop.tenantId, [conversationId])
    await reached?.()
    await letGoOfWords(shop, tx, event)
  }
  const takeBack = () => inShop(tx => letGo(tx))
  const remember = (key: string) =>
    rememberTool(world.db).run(
      { ...{ scope: shop, conversationId, contactId, runId, agentId }, callKey: key },
      { key, value: 'the words' },
      AbortSignal.timeout(5_000),
    )
  const search = () => ({
    ...{ id: newId(), conversationId, runId, query: 'the words', method: 'exact', embedder: 'e' },
    ...{ confidence: 1, judgement: 'confident' as const, latencyMs: 1 },
  })
  const read = async (table: string, columns = '*') => {
    const { rows } = await world.owner.query(
      `select ${columns} from ${table} where ${table === 'memories' ? 'source_id' : 'conversation_id'} = $1`,
      [conversationId],
    )
    return rows
  }

  /** Does the first until it says so, then both; the first goes on once the second had time to overtake it. */
  async function overlapping(
    first: (tx: Transaction, reached: () => Promise<void>) => Promise<unknown>,
    second: () => Promise<unknown>,
  ): Promise<void> {
    const begun = Promise.withResolvers<void>()
    const done = inShop(tx =>
      first(tx, async () => {
        begun.resolve()
        await new Promise(resolve => setTimeout(resolve, 200))
      }),
    )
    await begun.promise
    await Promise.all([done, second()])
  }

  test('what is kept before is committed first, and blanked', async () => {
    await overlapping(async (tx, reached) => {
      expect(await mayKeepWords(tx, shop, runId)).toBe(true)
      await reached()
      await insertRetrieval(tx, shop, search())
      await writeSummary(tx, shop, { conversationId, summary: 'the words', seq: 3, tokenCount: 2 })
    }, takeBack)
    expect(await read('retrievals', 'query')).toEqual([{ query: '' }])
    expect(await read('conversation_memory')).toEqual([])
  })

  test('what would be kept afterwards waits, and is not', async () => {
    let mayKeep: boolean | undefined
    await overlapping(
      (tx, reached) => letGo(tx, reached),
      async () => {
        mayKeep = await inShop(tx => mayKeepWords(tx, shop, runId))
      },
    )
    expect(mayKeep).toBe(false)
  })

  test('L3: whoever keeps something of a conversation waits for it first, so that nobody waits in a circle', async () => {
    await overlapping(
      (tx, reached) => letGo(tx, reached),
      async () => {
        const values = { conversationId, summary: 'the words', seq: 3, tokenCount: 2 }
        await Promise.all([
          inShop(tx => keepSummary(tx, shop, runId, values)),
          expect(remember('meanwhile')).rejects.toThrow('taken back'),
        ])
      },
    )
    expect(await read('conversation_memory')).toEqual([])
    expect(await read('memories')).toEqual([])
  })

  test('only runs that may have read it are marked, and only one that is at work on its answer ends', async () => {
    const [earlier, answered] = [newId(), newId()]
    await insertRun(earlier, 2, 'done')
    await insertRun(answered, 4, 'done')
    await takeBack()
    const rows = await read('agent_runs', 'id, state, taken_back as "takenBack"')
    expect(new Map(rows.map(({ id, ...row }) => [id, row]))).toEqual(
      new Map([
        [runId, { state: 'superseded', takenBack: true }],
        [earlier, { state: 'done', takenBack: false }],
        [answered, { state: 'done', takenBack: true }],
      ]),
    )
  })

  test('a run whose answer stands in the log comes to its own end', async () => {
    await world.owner.query('update conversations set answered_seq = 3 where id = $1', [conversationId])
    await takeBack()
    expect(await read('agent_runs', 'state, taken_back')).toEqual([{ state: 'running', taken_back: true }])
  })

  test('a summary that tells only what was said before stays', async () => {
    await inShop(tx => writeSummary(tx, shop, { conversationId, summary: 'older', seq: 2, tokenCount: 1 }))
    await takeBack()
    expect(await read('conversation_memory', 'summary')).toEqual([{ summary: 'older' }])
  })

  test('K4: a search that ends afterwards is on record without its words, and so is how it was worded anew', async () => {
    const finder = createFinder({
      ...{ retriever: world.retriever({ mayKeepWords }), db: world.db, log: silent, mayKeepWords },
      rewrite: async () => {
        await takeBack()
        return 'the words anew'
      },
    })
    const { recorded } = await finder.find(shop, {
      ...{ question: 'the words', conversation: [], conversationId, runId },
    })
    await recorded
    expect(await read('retrievals', 'query')).toEqual([{ query: '' }, { query: '' }])
    const { rows } = await world.owner.query(
      `select to_jsonb(f)::text || (select jsonb_agg(s)::text from reasoning_steps s where s.retrieval_id = f.retrieval_id) as text
       from query_refinements f where retrieval_id in (select id from retrievals where conversation_id = $1)`,
      [conversationId],
    )
    expect(rows).toHaveLength(1)
    expect(rows[0]?.text).not.toContain('the words')
  })

  test('K6: nothing is remembered afterwards, and what people wrote is not forgotten', async () => {
    await remember('before')
    await world.owner.query(
      `insert into memories (tenant_id, id, contact_id, key, value, source, source_id) values ($1, $2, $3, 'by hand', 'v', 'manual', $4)`,
      [shop.tenantId, newId(), contactId, conversationId],
    )
    await takeBack()
    await expect(remember('after')).rejects.toThrow('taken back')
    expect(await read('memories', 'key')).toEqual([{ key: 'by hand' }])
  })

  test('H2: a hand-over that follows keeps no reason in the words of the run; one from before loses it', async () => {
    const brief = { summary: 'the words', asked: 'the words', tried: [], contact: { name: 'Ada' } }
    const moved = (detail: string): ConversationMoved => ({
      ...{ type: 'conversation.moved', conversationId, contactId, by: { kind: 'agent', id: agentId } },
      ...{ owner: 'queue', assignedMemberId: null, status: 'waiting', epoch: 1 },
      before: { owner: 'ai', assignedMemberId: null },
      handOver: { reason: 'asked_for_person', detail, priority: 0, runId, brief },
    })
    await inShop(tx => recordMovement(shop, tx, moved('before')))
    expect(await read('escalations', 'detail')).toEqual([{ detail: 'before' }])
    await inShop(tx => letGoOfBriefs(shop, tx, event))
    const blank = { summary: '', asked: '', tried: [], contact: {} }
    expect(await read('escalations', 'detail, brief')).toEqual([{ detail: '', brief: blank }])
    await takeBack()
    await world.owner.query(`update escalations set status = 'returned' where conversation_id = $1`, [
      conversationId,
    ])
    await inShop(tx => recordMovement(shop, tx, moved('after')))
    expect(await read('escalations', 'detail')).toEqual([{ detail: '' }, { detail: '' }])
  })
})
