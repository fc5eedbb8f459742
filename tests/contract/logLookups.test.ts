import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sendersIn } from '../../src/chat/entriesStore.ts'
import { insertEntries, lockConversations, type NewEntry } from '../../src/chat/logStore.ts'
import {
  createDatabase,
  createJobs,
  createPool,
  type Database,
  type Pool,
  type Transaction,
} from '../../src/db/index.ts'
import { createLog, createMetrics, newId, systemScope } from '../../src/kernel/index.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../support/databases.ts'

const log = createLog({ level: 'fatal' })
const conversations = 400

const entryOf = (conversationId: string): NewEntry => ({
  id: newId(),
  conversationId,
  clientId: newId(),
  sender: { kind: 'contact', id: conversationId },
  role: 'user',
  type: 'text',
  parts: [],
  text: 'said',
  parentId: null,
  public: true,
})

describe.each(databaseKinds)('what the log looks up on %s', kind => {
  let database: TestDatabase
  let pool: Pool
  let db: Database

  beforeAll(async () => {
    database = await createTestDatabase(kind)
    pool = createPool({ connection: database.connection, max: 1, statementTimeoutMs: 30_000 }, log)
    const metrics = createMetrics()
    db = createDatabase({ pool, log, metrics, jobs: createJobs({ pool, log, metrics }) })
  })
  afterAll(async () => {
    await pool.end()
    await database.drop()
  })

  const rowsRead = async (tx: Transaction, table = 'conversations'): Promise<number> => {
    const { rows } = await tx.sql.execute<{ read: string }>(sql`
      select seq_tup_read + idx_tup_fetch as read from pg_stat_xact_user_tables where relname = ${table}`)
    return Number(rows[0]?.read)
  }

  // Nobody has counted the tables yet, so the planner takes this tenant for a small one.
  test('L3: of what an append reads, all but the lock grows with the group and not with the tenant, whatever the planner takes the tenant for', async () => {
    const tenantId = newId()
    const ids = Array.from({ length: conversations }, () => newId())
    await database.owner.query('insert into tenants (id, name, slug) values ($1, $2, $2)', [
      tenantId,
      'large',
    ])
    const begin = (more: readonly string[]) =>
      database.owner.query('insert into conversations (tenant_id, id) select $1, unnest($2::uuid[])', [
        tenantId,
        more,
      ])
    const group = ids.slice(0, 3)
    await begin(group)
    for (let round = 1; round <= 16; round++) {
      // By then the server has settled for its plans.
      if (round === 9) await begin(ids.slice(group.length))
      const read = await db.scoped(systemScope(tenantId, 'test'), async tx => {
        await lockConversations(tx, tenantId, group)
        const before = await rowsRead(tx)
        await insertEntries(tx, tenantId, group.map(entryOf), { last: false })
        return (await rowsRead(tx)) - before
      })
      expect(read).toBeGreaterThan(0)
      expect(read).toBeLessThan(conversations / 4)
    }
  })

  test.each(['counted', 'not counted'])(
    'V2: who spoke in a long log is found by reading a few of its entries, with its tables %s',
    async how => {
      const [tenantId, conversationId] = [newId(), newId()]
      const { owner } = database
      await owner.query('insert into tenants (id, name, slug) values ($1, $2, $2)', [
        tenantId,
        `long-${tenantId}`,
      ])
      await owner.query('insert into conversations (tenant_id, id) values ($1, $2)', [
        tenantId,
        conversationId,
      ])
      const [visitor, agent, member, silent] = Array.from({ length: 4 }, () => newId())
      const say = (from: number, to: number, kind: string, id: string | undefined, isPublic: boolean) =>
        owner.query(
          `insert into messages (tenant_id, id, conversation_id, seq, public_seq, role, text, sender_kind, sender_id, client_id)
         select $1, gen_random_uuid(), $2, n, case when $6 then n end, 'user', repeat('said ', 20), $3, $4::uuid, n::text
         from generate_series($5::int, $7::int) n`,
          [tenantId, conversationId, kind, id, from, isPublic, to],
        )
      await say(1, 5_000, 'contact', visitor, true)
      await say(5_001, 9_900, 'agent', agent, true)
      await say(9_901, 9_990, 'member', member, true)
      await say(9_991, 10_000, 'member', silent, false)
      if (how === 'counted') await owner.query('analyze messages')
      const system = systemScope(tenantId, 'test')
      const asked = { contactId: visitor ?? '', widgetId: newId() }
      const stranger = { ...system, actor: { kind: 'visitor', ...asked } as const }
      for (const [scope, expected] of [
        [system, [visitor, agent, member, silent]],
        [stranger, [visitor, agent, member]],
      ] as const) {
        const { read, senders } = await db.scoped(scope, async tx => {
          const before = await rowsRead(tx, 'messages')
          const senders = await sendersIn(tx, scope, conversationId)
          return { senders, read: (await rowsRead(tx, 'messages')) - before }
        })
        expect(senders.map(({ id }) => id).sort()).toEqual([...expected].sort())
        expect(senders.find(({ id }) => id === agent)?.kind).toBe('agent')
        expect(read).toBeGreaterThan(0)
        expect(read).toBeLessThan(50)
      }
    },
  )
})
