import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { letGoOfWords } from '../../src/agents/index.ts'
import { renewLeases } from '../../src/agents/runs/runStore.ts'
import { type ConversationLog, sendMessage } from '../../src/chat/index.ts'
import { createConversationLog } from '../../src/chat/log.ts'
import { editMessage } from '../../src/chat/sendMessage.ts'
import type { Transaction } from '../../src/db/index.ts'
import { letGoOfWords as letGoOfBriefs } from '../../src/desk/index.ts'
import {
  createLog,
  createMetrics,
  newId,
  noOrigin,
  type Scope,
  systemScope,
  type TakenBackPlace,
  type WordsTakenBack,
} from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { type OpenDatabase, openDatabase } from '../support/isolation.ts'

/** The log of a tenant has one writer: what is edited in many of its conversations at once is not told to one after the other. */
describe.each(databaseKinds)('L3: words are taken back in many conversations at once, on %s', kind => {
  const [tenantId, contactId, agentId] = [newId(), newId(), newId()]
  const scope = systemScope(tenantId, 'test')
  const visitor: Scope = {
    ...{ tenantId, actor: { kind: 'visitor', contactId, widgetId: newId() } },
    ...{ permissions: new Set(), origin: noOrigin },
  }
  let database: OpenDatabase
  let log: ConversationLog
  let told: WordsTakenBack[] = []
  let statements = 0
  const insert = (text: string, values: unknown[]) => database.owner.query(text, values)

  beforeAll(async () => {
    database = await openDatabase(kind)
    database.pool.on('connect', client => {
      const query = client.query.bind(client) as (...all: unknown[]) => unknown
      Object.assign(client, {
        query: (...all: unknown[]) => {
          statements++
          return query(...all)
        },
      })
    })
    database.db.during(async (_scope, _tx, event) => {
      if (event.type === 'words.taken_back') told.push(event)
    })
    log = createConversationLog({
      ...{ db: database.db, log: createLog({ level: 'fatal' }), metrics: createMetrics() },
    })
    await insert('insert into tenants (id, name, slug) values ($1, $2, $2)', [tenantId, 'together'])
    await insert('insert into contacts (tenant_id, id, name) values ($1, $2, $3)', [
      tenantId,
      contactId,
      'Ada',
    ])
    await insert('insert into agents (tenant_id, id, name) values ($1, $2, $3)', [tenantId, agentId, 'A'])
  })
  afterAll(() => database?.drop())

  const place = (conversationId: string): TakenBackPlace => ({
    ...{ conversationId, seq: 1, askedSeq: 1, saidAt: new Date(0).toISOString() },
  })
  const begin = async (conversationId = newId()) => {
    await insert(
      'insert into conversations (tenant_id, id, contact_id, agent_id, asked_seq) values ($1, $2, $3, $4, 1)',
      [tenantId, conversationId, contactId, agentId],
    )
    return conversationId
  }
  const insertRun = (conversationId: string, id = newId()) =>
    insert(
      `insert into agent_runs (tenant_id, id, conversation_id, agent_id, agent_version, epoch, answers_seq, state, node, lease_until,
         provider, model) values ($1, $2, $3, $4, 1, 0, 1, 'running', $5, now(), 'p', 'm')`,
      [tenantId, id, conversationId, agentId, tenantId],
    )
  /** One of which everything was made that can be. */
  async function beginRemembered(): Promise<string> {
    const conversationId = await begin()
    const runId = newId()
    await insertRun(conversationId, runId)
    const of = [tenantId, newId(), conversationId]
    await insert(
      `insert into conversation_memory (tenant_id, conversation_id, summary, seq, token_count) values ($1, $2, 'w', 1, 1)`,
      [...[tenantId, conversationId]],
    )
    await insert(
      `insert into memories (tenant_id, id, source_id, contact_id, key, value, source) values ($1, $2, $3, $4, $5, 'w', 'conversation')`,
      [...of, contactId, conversationId],
    )
    await insert(
      `insert into escalations (tenant_id, id, conversation_id, reason, status, detail, run_id, epoch, brief)
       values ($1, $2, $3, 'asked_for_person', 'pending', 'w', $4, 0, '{"summary": "w", "asked": "w", "tried": ["w"], "contact": {}}')`,
      [...of, runId],
    )
    await insert(
      `insert into retrievals (tenant_id, id, conversation_id, run_id, query, method, embedder, confidence, judgement, latency_ms)
       values ($1, $2, $3, $4, 'w', 'exact', 'e', 1, 'confident', 1)`,
      [...of, runId],
    )
    return conversationId
  }
  const several = (count: number, make: () => Promise<string>) =>
    Promise.all(Array.from({ length: count }, make))

  async function letGo(conversationIds: readonly string[]): Promise<number> {
    const event = { type: 'words.taken_back', places: conversationIds.map(place) } as const
    const before = statements
    await database.db.scoped(scope, async tx => {
      await letGoOfWords(scope, tx, event)
      await letGoOfBriefs(scope, tx, event)
    })
    return statements - before
  }

  test('all of them are let go of by as many statements as one, and by the fewest where nothing was made of them', async () => {
    // A connection is prepared when it is used first.
    await letGo(await several(1, begin))
    const one = await letGo(await several(1, beginRemembered))
    const many = await several(7, beginRemembered)
    expect(await letGo(many)).toBe(one)
    expect(await letGo(await several(7, begin))).toBeLessThanOrEqual(one - 5)
    const { rows } = await database.owner.query(
      `select (select count(*)::int from conversation_memory where conversation_id = any($1)) as summaries,
         (select count(*)::int from memories where source_id = any($1)) as memories,
         (select array_agg(distinct state) from agent_runs where conversation_id = any($1)) as runs,
         (select array_agg(distinct query) from retrievals where conversation_id = any($1)) as searches,
         (select jsonb_agg(distinct brief || jsonb_build_object('detail', detail)) from escalations where conversation_id = any($1)) as briefs`,
      [many],
    )
    const blank = { summary: '', asked: '', tried: [], contact: { name: 'Ada' }, detail: '' }
    expect(rows).toEqual([
      { summaries: 0, memories: 0, runs: ['superseded'], searches: [''], briefs: [blank] },
    ])
  })

  test('each brief that is open has the words of its own conversation, as they are now', async () => {
    const ids = await several(3, beginRemembered)
    const say = (conversationId: string, text: string) =>
      sendMessage({ log }, visitor, {
        ...{ conversationId, clientId: newId(), parts: [{ type: 'text', text }], fence: () => undefined },
      })
    for (const id of ids) {
      await say(id, `first of ${id}`)
      await say(id, `last of ${id}`)
    }
    await letGo(ids)
    const { rows } = await database.owner.query<{ id: string; summary: string; asked: string }>(
      `select conversation_id as id, brief ->> 'summary' as summary, brief ->> 'asked' as asked from escalations
       where conversation_id = any($1)`,
      [ids],
    )
    expect(rows).toHaveLength(3)
    for (const { id, summary, asked } of rows) {
      expect(summary).toBe(`visitor: first of ${id}\nvisitor: last of ${id}`)
      expect(asked).toBe(`last of ${id}`)
    }
  })

  test('what one commit edits is told once', async () => {
    const ids = await several(5, begin)
    const said = await Promise.all(
      ids.map(conversationId =>
        sendMessage({ log }, visitor, {
          ...{ conversationId, clientId: newId(), parts: [{ type: 'text', text: 'Hello' }] },
          fence: () => undefined,
        }),
      ),
    )
    told = []
    await Promise.all(
      ids.map((conversationId, at) =>
        editMessage({ log }, visitor, {
          ...{ conversationId, clientId: newId(), messageId: said[at]?.id ?? '' },
          parts: [{ type: 'text', text: 'Hallo' }],
        }),
      ),
    )
    expect(told.map(({ places }) => places.map(({ conversationId }) => conversationId).sort())).toEqual([
      ids.toSorted(),
    ])
  })

  // Where one connection is all there is, nobody holds anything while another one waits.
  if (kind !== 'PostgreSQL') return

  const waiting = async () => {
    const { rows } = await database.owner.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows.length > 0
  }

  /** Whoever holds several runs waits for the first of them and has none of the later ones, whatever order they were asked for in. */
  async function holdsInOrder(
    work: (tx: Transaction, conversations: string[], runs: string[]) => Promise<unknown>,
  ) {
    const conversations = [newId(), newId()].sort()
    const runs = [newId(), newId()].sort()
    for (const id of conversations) await begin(id)
    const [first = '', last = ''] = runs
    // As they are found: the last one first, in the conversation that comes first.
    await insertRun(conversations[0] ?? '', last)
    await insertRun(conversations[1] ?? '', first)
    const somebody = await database.owner.connect()
    await somebody.query('begin')
    await somebody.query('select from agent_runs where id = $1 for update', [first])
    const done = database.db.scoped(scope, tx => work(tx, conversations, runs))
    await eventually('it waits', waiting)
    const { rowCount } = await somebody.query('select from agent_runs where id = $1 for update skip locked', [
      last,
    ])
    await somebody.query('commit')
    somebody.release()
    await done
    expect(rowCount).toBe(1)
  }

  test('runs are marked in the order in which their leases are renewed', () =>
    holdsInOrder((tx, conversations) =>
      letGoOfWords(scope, tx, { type: 'words.taken_back', places: conversations.map(place) }),
    ))

  test('leases are renewed in the order in which runs are marked', () =>
    holdsInOrder((tx, _conversations, runs) => renewLeases(tx, scope, tenantId, runs.toReversed())))

  test('a commit that ends in a deadlock is done again, and nobody in it is refused', async () => {
    const ids = [newId(), newId()].sort()
    for (const id of ids) await begin(id)
    const somebody = await database.owner.connect()
    // It is patient, so that the log is who notices.
    await somebody.query(`set deadlock_timeout = '30s'`)
    await somebody.query('begin')
    const hold = (id = '') => somebody.query('select from conversations where id = $1 for update', [id])
    await hold(ids[1])
    const sent = Promise.all(
      ids.map(conversationId =>
        sendMessage({ log }, visitor, {
          ...{ conversationId, clientId: newId(), parts: [{ type: 'text', text: 'Hello' }] },
          fence: () => undefined,
        }),
      ),
    )
    await eventually('the log waits', waiting)
    await hold(ids[0])
    await somebody.query('commit')
    await somebody.query('reset deadlock_timeout')
    somebody.release()
    expect((await sent).map(({ seq }) => seq)).toEqual([1, 1])
  })
})
