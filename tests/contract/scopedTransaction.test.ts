import { eq, sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { contacts } from '../../src/contacts/schema.ts'
import {
  createDatabase,
  createJobs,
  createPool,
  type Database,
  type Pool,
  type Transaction,
} from '../../src/db/index.ts'
import { createLog, createMetrics, newId, type Scope, systemScope } from '../../src/kernel/index.ts'
import { tenants } from '../../src/tenancy/schema.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../support/databases.ts'

const log = createLog({ level: 'fatal' })
const whoAmI = sql`select current_user as role, current_setting('app.tenant_id', true) as tenant, txid_current()::text as tx`
const failing = sql`select 1 / 0`

/** The whole chain of an error's causes, as text: drizzle wraps what the driver says. */
function chain(error: unknown): string {
  const texts: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) texts.push(at.message)
  return texts.join(' / ')
}

const outcome = (work: Promise<unknown>): Promise<string> => work.then(() => 'done', chain)

describe.each(databaseKinds)('S1 a scoped transaction on %s', kind => {
  let database: TestDatabase
  let pool: Pool
  let db: Database
  let ours: Scope
  let theirs: Scope

  beforeAll(async () => {
    database = await createTestDatabase(kind)
    // One connection: whatever a transaction leaves behind, the next one inherits.
    pool = createPool({ connection: database.connection, max: 1, statementTimeoutMs: 30_000 }, log)
    const metrics = createMetrics()
    db = createDatabase({ pool, log, metrics, jobs: createJobs({ pool, log, metrics }) })
    ours = await newTenant()
    theirs = await newTenant()
  })
  afterAll(async () => {
    await pool.end()
    await database.drop()
  })

  async function newTenant(): Promise<Scope> {
    const scope = systemScope(newId(), 'test')
    await db.scoped(scope, async tx => {
      await tx.sql.insert(tenants).values({ id: scope.tenantId, name: 'T', slug: scope.tenantId })
      await tx.sql.insert(contacts).values({ tenantId: scope.tenantId, name: 'kept' })
    })
    return scope
  }

  const add = (tx: Transaction, name: string) =>
    tx.sql.insert(contacts).values({ tenantId: ours.tenantId, name })
  const named = async (name: string) =>
    (await database.owner.query('select 1 from contacts where name = $1', [name])).rowCount

  // After every test: the connection serves the next scope properly, and outside of a scope it is the login again.
  afterEach(async () => {
    for (const scope of [ours, theirs, ours]) {
      const rows = await db.scoped(scope, tx => tx.sql.select().from(contacts))
      expect(new Set(rows.map(row => row.tenantId))).toEqual(new Set([scope.tenantId]))
    }
    const { rows } = await pool.query(
      `select current_user as role, current_setting('app.tenant_id', true) as tenant`,
    )
    expect(rows[0]?.role).not.toMatch(/^parley_(app|identity|platform|jobs)$/)
    expect(rows[0]?.tenant || null).toBeNull()
  })

  test('runs all its queries, one after another or side by side, in one transaction of one role and tenant', async () => {
    const seen = await db.scoped(ours, async tx => {
      const first = await tx.sql.execute(whoAmI)
      const more = await Promise.all([tx.sql.execute(whoAmI), tx.sql.execute(whoAmI), tx.sql.execute(whoAmI)])
      return [first, ...more].map(result => result.rows[0])
    })
    expect(seen[0]).toMatchObject({ role: 'parley_app', tenant: ours.tenantId })
    expect(new Set(seen.map(row => JSON.stringify(row))).size).toBe(1)
  })

  test('side by side from the first query on, nothing overtakes the opening', async () => {
    const seen = await db.scoped(ours, tx => Promise.all([1, 2, 3, 4].map(() => tx.sql.execute(whoAmI))))
    expect(new Set(seen.map(result => JSON.stringify(result.rows[0]))).size).toBe(1)
    expect(seen[3]?.rows[0]).toMatchObject({ role: 'parley_app', tenant: ours.tenantId })
  })

  test('that asks nothing costs nothing and returns its value', async () => {
    expect(await db.scoped(ours, async () => 7)).toBe(7)
  })

  test('is undone as a whole when work throws', async () => {
    const work = db.scoped(ours, async tx => {
      await add(tx, 'undone')
      throw new Error('mine')
    })
    await expect(work).rejects.toThrow('mine')
    expect(await named('undone')).toBe(0)
  })

  test('cannot commit after a failed statement, even when work swallows the error', async () => {
    const work = db.scoped(ours, async tx => {
      await add(tx, 'half')
      await outcome(tx.sql.execute(failing).then())
    })
    expect(await outcome(work)).toMatch(/aborted by a failed statement/)
    expect(await named('half')).toBe(0)
  })

  test('lets nothing escape when the first of several parallel queries fails', async () => {
    const work = db.scoped(ours, tx =>
      Promise.all([tx.sql.execute(failing), add(tx, 'escaped'), tx.sql.execute(sql`select 1`)]),
    )
    expect(await outcome(work)).toMatch(/division by zero/)
    expect(await named('escaped')).toBe(0)
  })

  test('refuses a query after its end, whether or not anything had been asked before', async () => {
    let late: Transaction | undefined
    await db.scoped(ours, async tx => {
      late = tx
      await tx.sql.execute(whoAmI)
    })
    expect(await outcome(late?.sql.select().from(contacts).then() as Promise<unknown>)).toMatch(
      /after the end/,
    )
    await db.scoped(ours, async tx => {
      late = tx
    })
    expect(await outcome(late?.sql.select().from(contacts).then() as Promise<unknown>)).toMatch(
      /after the end/,
    )
  })

  test('has no way to begin or end a transaction of its own', async () => {
    const work = db.scoped(ours, async tx => {
      const { transaction } = tx.sql as unknown as { transaction: (work: unknown) => Promise<unknown> }
      await transaction(async () => undefined)
    })
    expect(await outcome(work)).toMatch(/cannot begin another one/)
  })

  test('survives values that cannot be sent', async () => {
    const unsendable = {
      toPostgres: () => {
        throw new Error('not to be sent')
      },
    }
    expect(await outcome(db.scoped(ours, tx => tx.sql.execute(sql`select ${unsendable}::text`)))).not.toBe(
      'done',
    )
    expect(await outcome(db.scoped(ours, tx => tx.sql.execute(sql`select ${'a\u0000b'}::text`)))).not.toBe(
      'done',
    )
  })

  test('cannot write a row of another tenant', async () => {
    const row = { tenantId: theirs.tenantId, name: 'planted' }
    expect(await outcome(db.scoped(ours, tx => tx.sql.insert(contacts).values(row)))).toMatch(
      /row-level security/,
    )
    const taken = await db.scoped(ours, tx =>
      tx.sql
        .update(contacts)
        .set({ name: 'taken' })
        .where(eq(contacts.tenantId, theirs.tenantId))
        .returning(),
    )
    expect(taken).toEqual([])
  })

  test('writes nothing when the connection has forgotten how to enter a scope, and a new one takes over', async () => {
    await pool.query('deallocate all')
    const work = db.scoped(ours, async tx => {
      await outcome(add(tx, 'unscoped').then())
      await outcome(add(tx, 'unscoped').then())
    })
    expect(await outcome(work)).not.toBe('done')
    expect(await named('unscoped')).toBe(0)
  })
})
