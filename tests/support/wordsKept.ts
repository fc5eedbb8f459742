import type { Queryable } from './isolation.ts'

/**
 * Where in the whole database somebody's words stand, as `table.column`: every column of every table, from the catalogue, so that one that is
 * added tomorrow is looked through without being named here. Whatever is no text is read as such, search vectors too.
 */
export async function placesOf(owner: Queryable, words: string): Promise<string[]> {
  const { rows: tables } = await owner.query<{ name: string }>(`
    select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'`)
  const places: string[] = []
  for (const { name } of tables) {
    const { rows } = await owner.query<{ column: string }>(
      `select distinct c.key as column from (select to_jsonb(t) as row from ${name} t where t::text ilike $1) found
         cross join lateral jsonb_each_text(found.row) c where c.value ilike $1`,
      [`%${words}%`],
    )
    places.push(...rows.map(({ column }) => `${name}.${column}`))
  }
  return places.sort()
}
