import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Draft } from '../../src/chat/draft.ts'
import { type ConversationLog, createConversationLog } from '../../src/chat/log.ts'
import { createDatabase, createJobs, createPool, type Pool } from '../../src/db/index.ts'
import { createLog, createMetrics, newId } from '../../src/kernel/index.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../support/databases.ts'

const journal = createLog({ level: 'fatal' })
const mebibyte = 1024 * 1024
const characters = 80_000
/** An entry has its text twice, in its parts and by itself. */
const entryBytes = 2 * characters

describe('L3: what waits for the log is bounded by its size', () => {
  const tenantId = newId()
  let database: TestDatabase
  let pool: Pool
  let conversationLog: ConversationLog
  let conversationId: string
  let groups: number[] = []

  beforeAll(async () => {
    database = await createTestDatabase(databaseKinds.at(-1) ?? 'embedded')
    pool = createPool({ connection: database.connection, max: 1, statementTimeoutMs: 30_000 }, journal)
    const metrics = createMetrics()
    Object.assign(metrics.groupSize, { observe: (size: number) => void groups.push(size) })
    const jobs = createJobs({ pool, log: journal, metrics })
    const db = createDatabase({ pool, log: journal, metrics, jobs })
    conversationLog = createConversationLog({ db, log: journal, metrics })
    await database.owner.query('insert into tenants (id, name, slug) values ($1, $2, $2)', [
      tenantId,
      'large',
    ])
  })
  beforeEach(async () => {
    groups = []
    conversationId = newId()
    await database.owner.query('insert into conversations (tenant_id, id) values ($1, $2)', [
      tenantId,
      conversationId,
    ])
  })
  afterAll(async () => {
    await pool.end()
    await database.drop()
  })

  const say = (length: number) => {
    const text = 'x'.repeat(length)
    const draft: Draft = {
      ...{ conversationId, clientId: newId(), sender: { kind: 'contact', id: conversationId }, role: 'user' },
      ...{ type: 'text', parts: [{ type: 'text', text }], text, parentId: null, public: true },
      guard: () => undefined,
    }
    return conversationLog.append(tenantId, draft)
  }

  test('large entries are committed few at a time, in their order; one larger than that by itself', async () => {
    const stored = await Promise.all([
      ...Array.from({ length: 20 }, () => say(characters)),
      say(mebibyte),
      ...Array.from({ length: 300 }, () => say(10)),
    ])
    expect(stored.map(({ seq }) => seq)).toEqual(Array.from({ length: 321 }, (_, at) => at + 1))
    const full = Math.floor(mebibyte / entryBytes)
    expect(groups).toEqual([full, full, full, 20 - 3 * full, 1, 200, 100])
  })

  test('beyond 32 MiB senders are told to come back, and can once it is stored', async () => {
    const count = 300
    const answers = await Promise.allSettled(Array.from({ length: count }, () => say(characters)))
    const refused = answers.flatMap(answer => (answer.status === 'rejected' ? [answer.reason] : []))
    expect(count - refused.length).toBe(Math.ceil((32 * mebibyte) / entryBytes))
    for (const reason of refused) expect(reason).toMatchObject({ code: 'unavailable', retryAfter: 1 })
    expect(await say(characters)).toMatchObject({ seq: count - refused.length + 1 })
  })
})
