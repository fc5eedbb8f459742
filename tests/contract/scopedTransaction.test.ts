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
import { createLog, createMetrics, newId, pause, type Scope, systemScope } from '../../src/kernel/index.ts'
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

  describe('that ends with its last statement', () => {
    const insert = {
      name: 'test_conclude',
      text: 'insert into contacts (tenant_id, id, name) values ($1, gen_random_uuid(), $2) returning name',
    }
    const divide = { name: 'test_divide', text: 'select 1 / $1::int' }

    test('has committed it and what went before, and asks nothing more', async () => {
      let late = ''
      const work = db.scoped(ours, async tx => {
        await add(tx, 'with the last')
        const rows = await tx.conclude(insert, [ours.tenantId, 'the last'])
        late = await outcome(add(tx, 'too late').then())
        return rows
      })
      expect(await work).toEqual([{ name: 'the last' }])
      expect(late).toMatch(/after the end/)
      expect(await Promise.all(['with the last', 'the last', 'too late'].map(named))).toEqual([1, 1, 0])
    })

    test('is scoped also when that is its only one', async () => {
      await db.scoped(ours, tx => tx.conclude(insert, [ours.tenantId, 'the only one']))
      expect(await named('the only one')).toBe(1)
      const foreign = db.scoped(ours, tx => tx.conclude(insert, [theirs.tenantId, 'planted so']))
      expect(await outcome(foreign)).toMatch(/row-level security/)
      expect(await named('planted so')).toBe(0)
    })

    test.each([
      ['fails', 0, /division by zero/],
      ['fails and work swallows the error', 0, /aborted by a failed statement/],
      ['cannot be sent', Symbol('unsendable'), /./],
    ])('commits nothing when that one %s', async (title, value, fault) => {
      const work = db.scoped(ours, async tx => {
        await add(tx, title)
        const last = tx.conclude(divide, [value])
        await (title.includes('swallows') ? outcome(last) : last)
      })
      expect(await outcome(work)).toMatch(fault)
      expect(await outcome(work)).not.toBe('done')
      expect(await named(title)).toBe(0)
    })
  })

  describe('that is one message', () => {
    const insert = (name: string, tenantId = ours.tenantId) => ({
      statement: {
        name: 'test_at_once',
        text: 'insert into contacts (tenant_id, id, name) values ($1, gen_random_uuid(), $2) returning name',
      },
      values: [tenantId, name],
    })
    const count = {
      statement: { name: '', text: 'select count(*)::int as all, $1::text as said from contacts' },
      values: ['äöü 🚚'],
    }
    const nobody = {
      statement: { name: 'test_nobody', text: "update contacts set name = '' where false" },
      values: [],
    }
    const divide = { statement: { name: 'test_at_once_divide', text: 'select 1 / $1::int' }, values: [0] }

    test('is scoped, and each statement sees what those before it did', async () => {
      const before = await db.atOnce(ours, [count])
      const [, made, , after] = await db.atOnce(ours, [nobody, insert('at once'), nobody, count])
      expect(made).toEqual([{ name: 'at once' }])
      expect(before).toEqual([[{ all: expect.any(Number), said: 'äöü 🚚' }]])
      expect(after).toEqual([{ all: (before[0][0] as { all: number }).all + 1, said: 'äöü 🚚' }])
      expect(await named('at once')).toBe(1)
    })

    test('knows by name what other transactions of the connection know, and they what it does', async () => {
      const both = insert('known to both')
      await db.atOnce(ours, [both])
      await db.scoped(ours, tx => tx.prepared(both.statement, both.values))
      await db.atOnce(ours, [both])
      expect(await named('known to both')).toBe(3)
    })

    test.each(['new', 'known'])(
      'commits nothing where a statement fails, and goes on after it (%s)',
      async title => {
        const work = () => db.atOnce(ours, [insert(title), divide, insert(title)])
        if (title === 'known') await db.atOnce(ours, [{ ...divide, values: [1] }])
        expect(await outcome(work())).toMatch(/division by zero/)
        expect(await outcome(work())).toMatch(/division by zero/)
        expect(await named(title)).toBe(0)
      },
    )

    test('sends nothing where one name stands for two statements', async () => {
      await db.atOnce(ours, [insert('first of its name')])
      const { statement, values } = insert('second of its name')
      const other = { statement: { ...statement, text: `${statement.text}, id` }, values }
      expect(await outcome(db.atOnce(ours, [insert('beside it'), other]))).toMatch(/two statements are named/)
      expect(await Promise.all(['second of its name', 'beside it'].map(named))).toEqual([0, 0])
    })

    test('cannot write a row of another tenant, nor run outside of its scope when the connection has forgotten it', async () => {
      expect(await outcome(db.atOnce(ours, [insert('planted at once', theirs.tenantId)]))).toMatch(
        /row-level security/,
      )
      await pool.query('deallocate all')
      expect(await outcome(db.atOnce(ours, [insert('forgotten')]))).not.toBe('done')
      await db.atOnce(ours, [insert('remembered')])
      expect(await Promise.all(['planted at once', 'forgotten', 'remembered'].map(named))).toEqual([0, 0, 1])
    })
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

  // The embedded database has one node, which waits for nobody.
  test.skipIf(kind === 'embedded')(
    'L8: is rolled back when its process is frozen in it, so that others get what it has locked',
    async () => {
      const work = db.scoped(ours, async tx => {
        await add(tx, 'frozen')
        await pause(6_500)
        await add(tx, 'woken')
      })
      await expect(work).rejects.toMatchObject({ code: 'unavailable' })
      expect(await named('frozen')).toBe(0)
    },
  )
})
