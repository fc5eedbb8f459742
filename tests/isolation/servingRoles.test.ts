import { sql } from 'drizzle-orm'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertServingRoles } from '../../src/db/index.ts'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { databaseOver, type OpenDatabase, openDatabase, scopeOf, undone } from '../support/isolation.ts'
import { insertTenantRows, type TenantRows } from '../support/tenantRows.ts'

const freshName = () => `parley_test_${newId().replaceAll('-', '')}`
const contacts = sql`select tenant_id from contacts`

describe.each(databaseKinds)('S1 serving roles on %s', kind => {
  let database: OpenDatabase
  let a: TenantRows
  beforeAll(async () => {
    database = await openDatabase(kind, 1)
    a = await insertTenantRows(database.owner, 'tenant-a')
    await insertTenantRows(database.owner, 'tenant-b')
  })
  afterAll(() => database.drop())

  /** Roles belong to the whole server: whatever is made here under a fresh name goes again, whatever happens. */
  async function withRole<Result>(options: string, work: (role: string) => Promise<Result>): Promise<Result> {
    const role = freshName()
    await database.owner.query(`create role ${role} ${options}`)
    try {
      return await work(role)
    } finally {
      await database.owner.query(`drop owned by ${role}`)
      await database.owner.query(`drop role ${role}`)
    }
  }

  test('S1 the roles that the program serves as are accepted', async () => {
    await expect(assertServingRoles(database.pool)).resolves.toBeUndefined()
    await withRole('nologin', role => assertServingRoles(database.pool, [role]))
  })

  test.each([
    ['superuser', 'is a superuser'],
    ['bypassrls', 'has BYPASSRLS'],
    ['superuser bypassrls', 'is a superuser'],
  ])('S1 a role with %s is not served as', async (options, fault) => {
    await withRole(`nologin ${options}`, async role => {
      await expect(assertServingRoles(database.pool, ['parley_app', role])).rejects.toThrow(
        `Tenants would not be isolated: role ${role} ${fault}.`,
      )
    })
  })

  test('S1 an owner of tables is not served as', async () => {
    await withRole('nologin', async role => {
      await database.owner.query(
        `create table owned_by_a_server (id uuid); alter table owned_by_a_server owner to ${role}`,
      )
      await expect(assertServingRoles(database.pool, [role])).rejects.toThrow(`role ${role} owns tables`)
    })
  })

  test('S1 a missing role is not served as, and all faults are named at once', async () => {
    const missing = freshName()
    await withRole('nologin bypassrls', async role => {
      const told = assertServingRoles(database.pool, [missing, role])
      await expect(told).rejects.toThrow(`role ${missing} does not exist`)
      await expect(told).rejects.toThrow(`role ${role} has BYPASSRLS`)
    })
  })

  test('S1 a role that the login cannot switch to is not served as', async () => {
    await withRole('nologin', async login => {
      // One connection, so the role holds for what the check asks on it.
      await database.pool.query(`set role ${login}`)
      try {
        await expect(assertServingRoles(database.pool)).rejects.toThrow(
          `role parley_app cannot be switched to by ${login}`,
        )
      } finally {
        await database.pool.query('reset role')
      }
    })
  })

  test('S1 FORCE binds the owner of a table; a superuser and BYPASSRLS pass every policy all the same', async () => {
    const seen = await undone(database.owner, async client => {
      const role = freshName()
      await client.query(`create role ${role} nologin`)
      await client.query(`grant usage, create on schema public to ${role}`)
      await client.query(`alter table contacts owner to ${role}`)
      await client.query(`select set_config('app.tenant_id', $1, true)`, [a.tenantId])
      const count = async (how: string) => {
        await client.query(`alter role ${role} ${how}`)
        await client.query(`set local role ${role}`)
        const { rowCount } = await client.query('select from contacts')
        await client.query('reset role')
        return rowCount
      }
      return {
        owner: await count('nosuperuser nobypassrls'),
        bypassing: await count('nosuperuser bypassrls'),
        superuser: await count('superuser nobypassrls'),
        ownerAgain: await count('nosuperuser nobypassrls'),
      }
    })
    expect(seen).toEqual({ owner: 0, bypassing: 2, superuser: 2, ownerAgain: 0 })
  })

  describe('S1 a scope that cannot be entered', () => {
    /** A login that could read everything by itself, and loses its way into the scope when asked to. */
    async function withFragileScope(work: (parts: Fragile) => Promise<void>): Promise<void> {
      if (kind === 'PostgreSQL') return withLogin(work)
      // The embedded database has roles of its own, so the serving role itself can be taken away.
      const fragile = await openDatabase(kind, 1)
      try {
        const row = await insertTenantRows(fragile.owner, 'tenant-a')
        const lose = async () => {
          await fragile.owner.query('drop owned by parley_app')
          await fragile.owner.query('drop role parley_app')
        }
        await work({ ...fragile, tenantId: row.tenantId, lose })
      } finally {
        await fragile.drop()
      }
    }

    async function withLogin(work: (parts: Fragile) => Promise<void>): Promise<void> {
      if (!('url' in database.connection)) throw new Error('not a PostgreSQL server')
      const url = new URL(database.connection.url)
      url.password = newId()
      await withRole(`login bypassrls password '${url.password}'`, async login => {
        url.username = login
        await database.owner.query(
          `grant parley_app to ${login}; grant select, insert on contacts to ${login}`,
        )
        const fragile = databaseOver({ url: url.href }, 1)
        try {
          const lose = async () => void (await database.owner.query(`revoke parley_app from ${login}`))
          await work({ ...fragile, tenantId: a.tenantId, lose })
        } finally {
          await fragile.pool.end()
        }
      })
    }

    interface Fragile extends Pick<OpenDatabase, 'db' | 'pool'> {
      readonly tenantId: string
      lose(): Promise<void>
    }

    const read = async ({ db, tenantId }: Fragile) => {
      const results: unknown[] = []
      const work = db.scoped(scopeOf(tenantId), async tx => {
        // Sent together, so that the second is on its way before the first was refused.
        const answers = await Promise.allSettled([tx.sql.execute(contacts), tx.sql.execute(contacts)])
        for (const answer of answers) if (answer.status === 'fulfilled') results.push(...answer.value.rows)
        return 'done'
      })
      return { outcome: await work.catch(() => 'refused'), results }
    }

    test.each([
      ['on a fresh connection', false],
      ['on a connection that has served before', true],
    ])('S1 gives nothing, %s', async (_how, used) => {
      await withFragileScope(async fragile => {
        if (used) {
          expect(await read(fragile)).toEqual({
            outcome: 'done',
            results: [{ tenant_id: fragile.tenantId }, { tenant_id: fragile.tenantId }],
          })
        }
        await fragile.lose()
        expect(await read(fragile)).toEqual({ outcome: 'refused', results: [] })
        const written = fragile.db.scoped(scopeOf(fragile.tenantId), tx =>
          tx.sql.execute(
            sql`insert into contacts (tenant_id, id) values (${fragile.tenantId}, ${newId()}) returning id`,
          ),
        )
        await expect(written).rejects.toThrow()
        // The login itself sees it all: it is the refusal that protected.
        const { rows } = await fragile.pool.query<pg.QueryResultRow>('select tenant_id from contacts')
        expect(rows.length).toBeGreaterThan(0)
        expect(rows.filter(row => row.tenant_id === fragile.tenantId)).toHaveLength(1)
      })
    })
  })
})
