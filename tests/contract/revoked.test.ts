import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTickets, forgetOldTickets } from '../../src/chat/index.ts'
import { createDatabase, createJobs, createPool, type Database, type Pool } from '../../src/db/index.ts'
import { gatewayDoors } from '../../src/doors.ts'
import type { Over } from '../../src/gateway/index.ts'
import {
  createLog,
  createMetrics,
  createVault,
  newId,
  noOrigin,
  noPermissions,
  type Scope,
  Secret,
  systemScope,
} from '../../src/kernel/index.ts'
import { createVisitors } from '../../src/widgets/index.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../support/databases.ts'

const log = createLog({ level: 'fatal' })
const shown = { agentFace: async () => null, files: { maxBytes: 0, types: [] } }

describe('S4: whether those who are connected still may be', () => {
  let database: TestDatabase
  let pool: Pool
  let db: Database
  const metrics = createMetrics()
  const vault = createVault(new Secret('a secret for tests, long enough to sign with'))

  beforeAll(async () => {
    database = await createTestDatabase(databaseKinds.at(-1) ?? 'embedded')
    pool = createPool({ connection: database.connection, max: 10, statementTimeoutMs: 30_000 }, log)
    db = createDatabase({ pool, log, metrics, jobs: createJobs({ pool, log, metrics }) })
  })
  afterAll(async () => {
    await pool.end()
    await database.drop()
  })

  const doorsOn = (through: Database) =>
    gatewayDoors({
      ...{ db: through, log, metrics, doorkeeper: undefined as never },
      visitors: createVisitors({ db: through, vault, shown }),
      tickets: createTickets({ db: through, vault }),
    })
  /** Of a workspace that is not there, so nobody of it is welcome. */
  const visitorOf = (tenantId: string): Scope => ({
    ...{ tenantId, permissions: noPermissions, origin: noOrigin },
    actor: { kind: 'visitor', contactId: newId(), widgetId: newId() },
  })

  test('a workspace that cannot be looked at keeps nobody of another one in, and is counted', async () => {
    const scopes = Array.from({ length: 12 }, () => visitorOf(newId()))
    const [broken] = scopes as [Scope]
    const failing: Database = {
      ...db,
      scoped: (scope, work) =>
        scope.tenantId === broken.tenantId ? Promise.reject(new Error('broken')) : db.scoped(scope, work),
    }
    const over = new Map<Scope, string>()
    await doorsOn(failing).revoked(scopes, (scope, code) => void over.set(scope, code))
    expect([...over.keys()]).toHaveLength(11)
    expect(over.has(broken)).toBe(false)
    const { values } = await metrics.uncheckedCredentials.get()
    expect(values).toEqual([expect.objectContaining({ labels: { of: 'visitors' }, value: 1 })])
  })

  test('what is found of one workspace is acted on while others are still looked at, a few at a time', async () => {
    const scopes = Array.from({ length: 20 }, () => visitorOf(newId()))
    const [slow] = scopes as [Scope]
    let letGo: () => void = () => undefined
    const held = new Promise<void>(resolve => {
      letGo = resolve
    })
    let underWay = 0
    let most = 0
    const slowed: Database = {
      ...db,
      scoped: async (scope, work) => {
        underWay += 1
        most = Math.max(most, underWay)
        try {
          if (scope.tenantId === slow.tenantId) await held
          return await db.scoped(scope, work)
        } finally {
          underWay -= 1
        }
      },
    }
    const found: Scope[] = []
    const others = new Promise<void>(resolve => {
      const over: Over = scope => {
        found.push(scope)
        if (found.length === 19) resolve()
      }
      void doorsOn(slowed).revoked(scopes, over).then(resolve, resolve)
    })
    await others
    expect(found).not.toContain(slow)
    expect(found).toHaveLength(19)
    letGo()
    expect(most).toBe(4)
  })

  test('the nightly chore forgets tickets that expired a day ago, and nothing else', async () => {
    const [tenantId, conversationId] = [newId(), newId()]
    const { owner } = database
    await owner.query('insert into tenants (id, name, slug) values ($1, $2, $3)', [tenantId, 'T', tenantId])
    await owner.query('insert into conversations (tenant_id, id) values ($1, $2)', [tenantId, conversationId])
    const [old, young] = [newId(), newId()]
    for (const [id, hours] of [
      [old, 25],
      [young, 23],
    ])
      await owner.query(
        `insert into join_tickets (tenant_id, id, conversation_id, guest_id, issued_by, expires_at)
         values ($1, $2, $3, $2, $2, now() - make_interval(hours => $4))`,
        [tenantId, id, conversationId, hours],
      )
    const scope = systemScope(tenantId, 'test')
    await db.scoped(scope, tx => forgetOldTickets(scope, tx))
    const { rows } = await owner.query('select id from join_tickets where tenant_id = $1', [tenantId])
    expect(rows).toEqual([{ id: young }])
  })
})
