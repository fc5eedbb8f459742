import { newId } from '../../src/kernel/index.ts'
import type { Queryable } from './isolation.ts'

/**
 * Rows for a tenant in every table that has a tenant, made from the catalogue alone: a table that is added tomorrow gets its row
 * without being named here. Where a row cannot be made (a type or a rule that is not understood) the test that asks fails.
 */

export type Row = Readonly<Record<string, unknown>>

interface Column {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly defaulted: boolean
  /** The first value of the list or range that the column is restricted to. */
  readonly allowed: string | null
}

export interface ForeignKey {
  readonly name: string
  readonly columns: readonly string[]
  readonly target: string
  readonly targetColumns: readonly string[]
}

export interface TenantTable {
  readonly name: string
  readonly tenantColumn: 'id' | 'tenant_id'
  readonly columns: readonly Column[]
  readonly foreignKeys: readonly ForeignKey[]
}

export const isTenantTable = `c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
  and (c.relname = 'tenants' or exists (
    select from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id' and not t.attisdropped))`

export async function tenantTables(owner: Queryable): Promise<TenantTable[]> {
  const { rows } = await owner.query<TenantTable>(`
    select c.relname as name, case when c.relname = 'tenants' then 'id' else 'tenant_id' end as "tenantColumn",
      (select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
          'required', a.attnotnull, 'defaulted', a.atthasdef, 'allowed', (
            select coalesce((regexp_match(pg_get_constraintdef(k.oid), '''([^'']+)'''))[1],
              (regexp_match(pg_get_constraintdef(k.oid), '>= (\\d+)'))[1]) from pg_constraint k
            where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum] limit 1)) order by a.attnum)
        from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
      coalesce((select json_agg(json_build_object('name', f.conname, 'target', f.confrelid::regclass::text,
          'columns', (select json_agg(a.attname order by k.at) from unnest(f.conkey) with ordinality k(num, at)
            join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.num),
          'targetColumns', (select json_agg(a.attname order by k.at) from unnest(f.confkey) with ordinality k(num, at)
            join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.num)))
        from pg_constraint f where f.conrelid = c.oid and f.contype = 'f'), '[]') as "foreignKeys"
    from pg_class c where ${isTenantTable} order by c.relname`)
  return rows
}

export interface TenantRows {
  readonly tenantId: string
  readonly userId: string
  /** By table; one row each. */
  readonly rows: ReadonlyMap<string, Row>
}

/** One row in every tenant table, each referring to the tenant's other rows wherever a key allows it. */
export async function insertTenantRows(owner: Queryable, label: string): Promise<TenantRows> {
  const tenantId = newId()
  const userId = newId()
  await owner.query('insert into users (id, email, name) values ($1, $2, $3)', [
    userId,
    `${label}-${userId}@people.example`,
    label,
  ])
  const rows = new Map<string, Row>([['users', { id: userId }]])
  let waiting = await tenantTables(owner)
  while (waiting.length > 0) {
    const left: TenantTable[] = []
    for (const table of waiting) {
      const values = rowFor(table, tenantId, label, rows)
      if (values) rows.set(table.name, await insertRow(owner, table.name, values))
      else left.push(table)
    }
    if (left.length === waiting.length) {
      throw new Error(`these tables wait for each other's rows: ${left.map(({ name }) => name).join(', ')}`)
    }
    waiting = left
  }
  rows.delete('users')
  return { tenantId, userId, rows }
}

/** Values for a new row; undefined while a table that it refers to has none yet. */
export function rowFor(
  table: TenantTable,
  tenantId: string,
  label: string,
  existing: ReadonlyMap<string, Row>,
): Row | undefined {
  const values: Record<string, unknown> = { [table.tenantColumn]: tenantId }
  for (const key of table.foreignKeys) {
    if (key.target === table.name) continue
    const target = existing.get(key.target)
    if (target === undefined) return undefined
    for (const [at, column] of key.columns.entries()) values[column] = target[key.targetColumns[at] ?? '']
  }
  for (const column of table.columns) {
    if (column.required && !column.defaulted && values[column.name] === undefined) {
      values[column.name] = column.allowed ?? plainValue(table, column, label)
    }
  }
  return values
}

let numbers = 0

function plainValue(table: TenantTable, { name, type }: Column, label: string): unknown {
  numbers += 1
  if (type === 'uuid') return newId()
  if (type === 'text') return `${table.name}.${name} ${label} ${numbers}`
  if (type === 'integer' || type === 'bigint' || type === 'real') return numbers
  // Some are shares, which have no room for more.
  if (type.startsWith('numeric')) return (numbers % 1_000) / 1_000
  if (type === 'boolean') return false
  if (type === 'jsonb') return '{}'
  if (type === 'text[]') return [`${label} ${numbers}`]
  if (type === 'timestamp with time zone') return new Date()
  throw new Error(`${table.name}.${name}: no value is known for the type ${type}; add one in tenantRows.ts`)
}

export async function insertRow(client: Queryable, table: string, values: Row): Promise<Row> {
  const columns = Object.keys(values)
  const { rows } = await client.query<Record<string, unknown>>(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, at) => `$${at + 1}`).join(', ')}) returning *`,
    Object.values(values),
  )
  const [row] = rows
  if (!row) throw new Error(`${table}: nothing was inserted`)
  return row
}

const known = new WeakMap<Queryable, TenantTable[]>()

/** Changes whenever any row of the tenant, in any table, comes, goes or is written, even to the same values. */
export async function fingerprintOfTenant(owner: Queryable, tenantId: string): Promise<string> {
  const tables = known.get(owner) ?? (await tenantTables(owner))
  known.set(owner, tables)
  const parts = tables.map(
    ({ name, tenantColumn }) =>
      `select '${name}' as part, t.ctid::text || t.xmin::text || t::text as row from ${name} t where ${tenantColumn} = $1`,
  )
  const { rows } = await owner.query<{ part: string; rows: string }>(
    `select part, count(*) || ' ' || md5(string_agg(row, ' ' order by row)) as rows
     from (${parts.join(' union all ')}) every group by part order by part`,
    [tenantId],
  )
  return rows.map(({ part, rows: digest }) => `${part} ${digest}`).join('\n')
}
