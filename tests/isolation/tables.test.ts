import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Transaction } from '../../src/db/index.ts'
import { globalTables, trail } from '../support/catalogue.ts'
import { databaseKinds } from '../support/databases.ts'
import { type OpenDatabase, openDatabase, refusal, scopeOf, undoneWithin } from '../support/isolation.ts'
import {
  fingerprintOfTenant,
  insertTenantRows,
  type TenantRows,
  type TenantTable,
  tenantTables,
} from '../support/tenantRows.ts'

const denied = '42501'

describe.each(databaseKinds)('S1 tables on %s', kind => {
  let database: OpenDatabase
  let tables: TenantTable[]
  let a: TenantRows
  let b: TenantRows
  beforeAll(async () => {
    database = await openDatabase(kind)
    tables = await tenantTables(database.owner)
    a = await insertTenantRows(database.owner, 'tenant-a')
    b = await insertTenantRows(database.owner, 'tenant-b')
  })
  afterAll(() => database.drop())

  const inScope = <Result>(tenantId: string, work: (tx: Transaction) => Promise<Result>) =>
    database.db.scoped(scopeOf(tenantId), work)

  /** Runs a statement as the tenant, undoes it, and says how many rows it reached, or how it was refused. */
  async function reach(tenantId: string, statement: string): Promise<number | string> {
    let transaction: Transaction | undefined
    const work = async () => (await transaction?.sql.execute(sql.raw(statement)))?.rowCount ?? 'no answer'
    const run = (within: () => Promise<never>) =>
      inScope(tenantId, tx => {
        transaction = tx
        return within()
      })
    let reached: number | string = 'nothing'
    const code = await refusal(
      undoneWithin(run, work).then(count => {
        reached = count
      }),
    )
    return code === 'none' ? reached : code
  }

  test('S1 both tenants have a row in every tenant table', async () => {
    const names = tables.map(({ name }) => name).sort()
    expect(names.length).toBeGreaterThanOrEqual(17)
    expect([...a.rows.keys()].sort()).toEqual(names)
    expect([...b.rows.keys()].sort()).toEqual(names)
  })

  test('S1 without a tenant every table is empty', async () => {
    const seen: Record<string, unknown> = {}
    for (const { name } of [...tables, { name: 'users' }]) {
      seen[name] = await inScope('', async tx => {
        const columns = name === 'users' ? 'id' : '*'
        return (await tx.sql.execute(sql.raw(`select ${columns} from ${name}`))).rowCount
      })
    }
    expect(new Set(Object.values(seen))).toEqual(new Set([0]))
    expect(Object.keys(seen)).toHaveLength(tables.length + 1)
  })

  test('S1 a tenant sees its own rows of every table, and no others', async () => {
    for (const { name, tenantColumn } of tables) {
      const { rows } = await inScope(a.tenantId, tx =>
        tx.sql.execute<{ tenant: string; rows: number }>(
          sql.raw(`select ${tenantColumn} as tenant, count(*)::int as rows from ${name} group by 1`),
        ),
      )
      expect(rows, name).toEqual([{ tenant: a.tenantId, rows: 1 }])
      expect(await reach(a.tenantId, `select from ${name} where ${tenantColumn} = '${b.tenantId}'`)).toBe(0)
    }
  })

  test('S1 a tenant sees, of people, only the public face of its members', async () => {
    const { rows } = await inScope(a.tenantId, tx => tx.sql.execute(sql`select id, email from users`))
    expect(rows.map(({ id }) => id)).toEqual([a.userId])
    for (const column of ['settings', 'platform_role', '*']) {
      expect(await reach(a.tenantId, `select ${column} from users`), column).toBe(denied)
    }
  })

  test("S1 a tenant's changes never reach the rows of another", async () => {
    const before = await fingerprintOfTenant(database.owner, b.tenantId)
    const faults: string[] = []
    for (const { name, tenantColumn } of tables) {
      const others = `where ${tenantColumn} = '${b.tenantId}'`
      const change = `set ${tenantColumn} = ${tenantColumn}`
      const expected = {
        update: name === 'audit_logs' ? [denied, denied] : [0, 1],
        delete: name === 'audit_logs' || name === 'tenants' ? [denied, denied] : [0, 1],
      }
      const reached = {
        update: [
          await reach(a.tenantId, `update ${name} ${change} ${others}`),
          await reach(a.tenantId, `update ${name} ${change}`),
        ],
        delete: [
          await reach(a.tenantId, `delete from ${name} ${others}`),
          await reach(a.tenantId, `delete from ${name}`),
        ],
      }
      if (JSON.stringify(reached) !== JSON.stringify(expected))
        faults.push(`${name} ${JSON.stringify(reached)}`)
    }
    expect(faults).toEqual([])
    expect(await fingerprintOfTenant(database.owner, b.tenantId)).toBe(before)
  })

  test('S1 a row of another tenant can be neither written nor given away', async () => {
    const before = await fingerprintOfTenant(database.owner, b.tenantId)
    const count = () => database.owner.query(`select from tenants`).then(({ rowCount }) => rowCount)
    const tenantsBefore = await count()
    for (const { name, tenantColumn } of tables) {
      const json = JSON.stringify(b.rows.get(name)).replaceAll("'", "''")
      const copy = `insert into ${name} select (jsonb_populate_record(null::${name}, '${json}')).*`
      expect(await reach(a.tenantId, copy), `insert into ${name}`).toBe(denied)
      const give = `update ${name} set ${tenantColumn} = '${b.tenantId}'`
      expect(await reach(a.tenantId, give), `update ${name}`).toBe(denied)
      expect(await reach(a.tenantId, `truncate ${name} cascade`), `truncate ${name}`).toBe(denied)
    }
    expect(await fingerprintOfTenant(database.owner, b.tenantId)).toBe(before)
    expect(await count()).toBe(tenantsBefore)
  })

  test('S1 the serving role reads no password, session, verification or second factor, and no jobs', async () => {
    const faults: string[] = []
    for (const table of [...globalTables, trail, 'pgboss.job', 'drizzle.__drizzle_migrations']) {
      const [column] = table === 'users' ? ['settings'] : ['*']
      for (const statement of [
        `select ${column} from ${table}`,
        `insert into ${table} default values`,
        `delete from ${table}`,
      ]) {
        const code = await reach(a.tenantId, statement)
        if (code !== denied) faults.push(`${statement}: ${code}`)
      }
    }
    expect(await reach(a.tenantId, 'select password from accounts')).toBe(denied)
    expect(await reach(a.tenantId, `update users set platform_role = 'master_admin'`)).toBe(denied)
    expect(faults).toEqual([])
  })

  test('S1 parley_identity sees the memberships and workspaces of one person', async () => {
    const asPerson = (userId: string | null, statement: string) =>
      database.db.identity(userId, tx => tx.sql.execute<Record<string, unknown>>(sql.raw(statement)))
    const visible = new Map([
      ['members', 'tenant_id'],
      ['tenants', 'id'],
      ['role_assignments', 'tenant_id'],
      ['custom_roles', 'tenant_id'],
    ])
    for (const { name } of tables) {
      const column = visible.get(name)
      if (column === undefined) {
        expect(await refusal(asPerson(a.userId, `select * from ${name}`)), name).toBe(denied)
        continue
      }
      const { rows } = await asPerson(a.userId, `select ${column} as tenant from ${name}`)
      expect(rows, name).toEqual([{ tenant: a.tenantId }])
      expect((await asPerson(null, `select from ${name}`)).rowCount, name).toBe(0)
      expect(await refusal(asPerson(a.userId, `update ${name} set created_at = now()`)), name).toBe(denied)
      expect(await refusal(asPerson(a.userId, `delete from ${name}`)), name).toBe(denied)
    }
    await expect(asPerson("' or true --", 'select from members')).rejects.toMatchObject({
      code: 'invalid_request',
    })
  })

  test('S1 parley_platform sees the list of tenants and nothing inside them', async () => {
    const asPlatform = (statement: string) =>
      database.db.platform(tx => tx.sql.execute<Record<string, unknown>>(sql.raw(statement)))
    const { rows } = await asPlatform('select id from tenants')
    expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining([a.tenantId, b.tenantId]))
    const everyTable = [
      ...tables.map(({ name, tenantColumn }) => ({ name, column: tenantColumn })),
      ...[...globalTables, trail].map(name => ({ name, column: 'created_at' })),
    ]
    for (const { name, column } of everyTable) {
      if (name !== 'tenants') expect(await refusal(asPlatform(`select * from ${name}`)), name).toBe(denied)
      expect(await refusal(asPlatform(`update ${name} set ${column} = ${column}`)), name).toBe(denied)
      expect(await refusal(asPlatform(`delete from ${name}`)), name).toBe(denied)
    }
  })

  test('S1 parley_jobs, which adds jobs, sees nothing else', async () => {
    const client = await database.owner.connect()
    try {
      await client.query('set role parley_jobs')
      for (const name of [...tables.map(table => table.name), ...globalTables, trail]) {
        expect(await refusal(client.query(`select * from ${name}`)), name).toBe(denied)
      }
    } finally {
      await client.query('reset role')
      client.release()
    }
  })

  test('S1 a tenant that is no uuid is refused, and never becomes part of a statement', async () => {
    const texts = [
      "' or true --",
      `${a.tenantId}' or tenant_id is not null --`,
      `'); drop table contacts; --`,
      'null',
      '%',
      a.tenantId.slice(1),
    ]
    for (const text of texts) {
      await expect(
        inScope(text, tx => tx.sql.execute(sql`select * from contacts`)),
        text,
      ).rejects.toMatchObject({ code: 'invalid_request' })
      // Not by the first query alone: the setting itself must hold the text and nothing more.
      const { rows } = await inScope(text, tx =>
        tx.sql.execute(sql`select current_setting('app.tenant_id') as tenant, current_user::text as role`),
      )
      expect(rows).toEqual([{ tenant: text, role: 'parley_app' }])
    }
    expect((await database.owner.query('select from contacts')).rowCount).toBe(2)
  })
})
