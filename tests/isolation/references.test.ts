import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { attempt, type OpenDatabase, openDatabase, undone } from '../support/isolation.ts'
import {
  type ForeignKey,
  insertRow,
  insertTenantRows,
  type Row,
  rowFor,
  type TenantRows,
  type TenantTable,
  tenantTables,
} from '../support/tenantRows.ts'

describe.each(databaseKinds)('S2 references on %s', kind => {
  let database: OpenDatabase
  let a: TenantRows
  let b: TenantRows
  let references: { table: TenantTable; key: ForeignKey }[]
  beforeAll(async () => {
    database = await openDatabase(kind, 1)
    a = await insertTenantRows(database.owner, 'tenant-a')
    b = await insertTenantRows(database.owner, 'tenant-b')
    const tables = await tenantTables(database.owner)
    const names = new Set(tables.map(({ name }) => name))
    references = tables.flatMap(table =>
      table.foreignKeys
        .filter(({ target }) => target !== 'tenants' && names.has(target))
        .map(key => ({ table, key })),
    )
  })
  afterAll(() => database.drop())

  /** A row of A that is right in all but one reference. */
  function crossing(values: Row, { columns, target, targetColumns }: ForeignKey): Row {
    const theirs = b.rows.get(target) ?? {}
    const crossed = columns.map((column, at) => [column, theirs[targetColumns[at] ?? '']] as const)
    return { ...values, ...Object.fromEntries(crossed.filter(([column]) => column !== 'tenant_id')) }
  }

  test.each(['the owner', 'parley_app'] as const)(
    'S2 no row refers to a row of another tenant, whoever writes it: %s',
    async writer => {
      expect(references.length).toBeGreaterThanOrEqual(15)
      const faults: string[] = []
      for (const { table, key } of references) {
        const answers = await undone(database.owner, async client => {
          await client.query('set constraints all immediate')
          // The first row goes, so that no unique key is in the way of the second.
          await client.query(`delete from ${table.name} where tenant_id = $1`, [a.tenantId])
          const values = rowFor(table, a.tenantId, 'again', new Map([...a.rows, ['users', { id: b.userId }]]))
          if (!values) throw new Error(`no row for ${table.name}`)
          if (writer === 'parley_app') {
            await client.query(
              `select set_config('role', 'parley_app', true), set_config('app.tenant_id', $1, true)`,
              [a.tenantId],
            )
          }
          return {
            own: await attempt(client, () => insertRow(client, table.name, values)),
            theirs: await attempt(client, () => insertRow(client, table.name, crossing(values, key))),
          }
        })
        const right =
          answers.own.code === 'none' &&
          answers.theirs.code === '23503' &&
          answers.theirs.constraint === key.name
        if (!right) faults.push(`${table.name}.${key.name}: ${JSON.stringify(answers)}`)
      }
      expect(faults).toEqual([])
    },
  )

  test('S2 a row that goes takes the reference with it, never the tenant', async () => {
    await undone(database.owner, async client => {
      for (const table of ['contacts', 'widgets', 'members']) {
        await client.query(`delete from ${table} where tenant_id = $1`, [a.tenantId])
      }
      const { rows } = await client.query(
        `select tenant_id, contact_id, widget_id, assigned_member_id, created_by from conversations where id = $1`,
        [a.rows.get('conversations')?.id],
      )
      expect(rows).toEqual([
        {
          tenant_id: a.tenantId,
          contact_id: null,
          widget_id: null,
          assigned_member_id: null,
          created_by: null,
        },
      ])
    })
  })
})
