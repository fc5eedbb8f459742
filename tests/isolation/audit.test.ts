import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { attempt, type OpenDatabase, openDatabase, refusal, scopeOf, undone } from '../support/isolation.ts'
import { fingerprintOfTenant, insertTenantRows, type TenantRows } from '../support/tenantRows.ts'

/** That every change of every route has its entry, and none without, is in the matrix of routes. */
describe.each(databaseKinds)('T5 the audit trail on %s', kind => {
  let database: OpenDatabase
  let a: TenantRows
  beforeAll(async () => {
    database = await openDatabase(kind, 1)
    a = await insertTenantRows(database.owner, 'tenant-a')
  })
  afterAll(() => database.drop())

  const changes = [
    `update audit_logs set action = 'other'`,
    `update audit_logs set tenant_id = tenant_id`,
    'delete from audit_logs',
    'truncate audit_logs',
    'truncate audit_logs cascade',
    'truncate tenants cascade',
    `insert into audit_logs select * from audit_logs on conflict (tenant_id, id) do update set action = 'other'`,
  ]

  test.each(changes)('T5 the serving role is refused: %s', async statement => {
    const before = await fingerprintOfTenant(database.owner, a.tenantId)
    const work = database.db.scoped(scopeOf(a.tenantId), tx => tx.sql.execute(sql.raw(statement)))
    expect(await refusal(work)).toBe('42501')
    expect(await fingerprintOfTenant(database.owner, a.tenantId)).toBe(before)
  })

  test('T5 the serving role can add entries and read them', async () => {
    const id = newId()
    const { rows } = await database.db.scoped(scopeOf(a.tenantId), async tx => {
      await tx.sql.execute(sql`insert into audit_logs (tenant_id, id, actor_kind, action, resource_type, resource_id)
        values (${a.tenantId}, ${id}, 'system', 'test', 'test', 'test')`)
      return tx.sql.execute(sql`select id from audit_logs order by id`)
    })
    expect(rows.map(row => row.id)).toContain(id)
  })

  test.each(['a superuser', 'the owner of the table'])('T5 %s cannot change an entry either', async who => {
    await undone(database.owner, async client => {
      if (who !== 'a superuser') {
        const role = `parley_test_${newId().replaceAll('-', '')}`
        await client.query(`create role ${role} bypassrls`)
        await client.query(`grant create, usage on schema public to ${role}`)
        await client.query(`alter table audit_logs owner to ${role}`)
        await client.query(`grant all on all tables in schema public to ${role}`)
        await client.query(`set local role ${role}`)
      }
      expect((await client.query('select from audit_logs')).rowCount).toBeGreaterThan(0)
      for (const statement of changes) {
        expect(await attempt(client, () => client.query(statement)), statement).toMatchObject({
          message: 'audit_logs is append-only',
        })
      }
      // Nor do entries go with their workspace.
      const { code } = await attempt(client, () =>
        client.query('delete from tenants where id = $1', [a.tenantId]),
      )
      expect(code).toBe('23503')
    })
  })
})
