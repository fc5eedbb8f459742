import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { memories } from './schema.ts'

export type MemoryRow = Omit<typeof memories.$inferSelect, 'tenantId' | 'search'>
export type MemoryValues = Omit<
  typeof memories.$inferInsert,
  'tenantId' | 'id' | 'search' | 'createdAt' | 'updatedAt'
>

const shown = {
  id: memories.id,
  contactId: memories.contactId,
  agentId: memories.agentId,
  key: memories.key,
  value: memories.value,
  category: memories.category,
  source: memories.source,
  sourceId: memories.sourceId,
  createdAt: memories.createdAt,
  updatedAt: memories.updatedAt,
}

const ofContact = (scope: Scope, contactId: string) =>
  and(eq(memories.tenantId, scope.tenantId), eq(memories.contactId, contactId))

/** The words of a text, each also as the beginning of a longer one: what is remembered has any language. Null where it has none. */
const wordsOf = (text: string, joined: '&' | '|'): SQL => sql`(
  select to_tsquery('simple', string_agg('''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || ''':*', ${` ${joined} `}))
  from unnest(to_tsvector('simple', ${text})))`

export const listMemories = (
  tx: Transaction,
  scope: Scope,
  contactId: string,
  page: { readonly limit: number; readonly after: string | undefined; readonly search?: string | undefined },
) =>
  tx.sql
    .select(shown)
    .from(memories)
    .where(
      and(
        ofContact(scope, contactId),
        page.after === undefined ? undefined : lt(memories.id, page.after),
        page.search === undefined ? undefined : sql`${memories.search} @@ ${wordsOf(page.search, '&')}`,
      ),
    )
    .orderBy(desc(memories.id))
    .limit(page.limit + 1)

/** What has most to do with a text, then what was learnt last. */
export const closestMemories = (
  tx: Transaction,
  scope: Scope,
  contactId: string,
  { about, limit }: { readonly about: string; readonly limit: number },
): Promise<MemoryRow[]> =>
  tx.sql
    .select(shown)
    .from(memories)
    .where(ofContact(scope, contactId))
    .orderBy(
      desc(sql`coalesce(ts_rank(${memories.search}, ${wordsOf(about, '|')}), 0)`),
      desc(memories.updatedAt),
      desc(memories.id),
    )
    .limit(limit)

export async function readMemory(
  tx: Transaction,
  scope: Scope,
  contactId: string,
  key: string,
): Promise<MemoryRow | undefined> {
  const [row] = await tx.sql
    .select(shown)
    .from(memories)
    .where(and(ofContact(scope, contactId), eq(memories.key, key)))
  return row
}

/** A key has one value; learnt twice at once, it is still one. */
export const writeMemory = (tx: Transaction, scope: Scope, values: MemoryValues) => {
  const { value, category, source, sourceId, agentId } = values
  const search = sql`to_tsvector('simple', ${[values.key, value, category ?? ''].join(' ')})`
  return tx.sql
    .insert(memories)
    .values({ ...values, search, tenantId: scope.tenantId })
    .onConflictDoUpdate({
      target: [memories.tenantId, memories.contactId, memories.key],
      set: {
        ...{ value, search, updatedAt: sql`now()` },
        ...{ category: category ?? null, source, sourceId: sourceId ?? null, agentId: agentId ?? null },
      },
    })
    .returning(shown)
}

/** Beyond a number, what agents have learnt longest ago makes room; what people wrote stays. */
export const dropOldest = (tx: Transaction, scope: Scope, contactId: string, kept: number) =>
  tx.sql.execute(sql`
    delete from ${memories} where tenant_id = ${scope.tenantId} and contact_id = ${contactId} and source = 'conversation' and id in (
      select id from ${memories} where tenant_id = ${scope.tenantId} and contact_id = ${contactId}
      order by (source = 'conversation'), updated_at desc, id desc offset ${kept})`)

export const removeMemory = (tx: Transaction, scope: Scope, contactId: string, id: string) =>
  tx.sql
    .delete(memories)
    .where(and(ofContact(scope, contactId), eq(memories.id, id)))
    .returning({ key: memories.key, category: memories.category })

export const removeMemories = (tx: Transaction, scope: Scope, contactId: string) =>
  tx.sql.delete(memories).where(ofContact(scope, contactId)).returning({ id: memories.id })

/** Under a key that both have, the successor's stays. */
export const moveMemories = (
  tx: Transaction,
  { tenantId }: Scope,
  { contactId, successorId }: { readonly contactId: string; readonly successorId: string },
) =>
  tx.sql.execute(sql`
    update ${memories} m set contact_id = ${successorId}
    where m.tenant_id = ${tenantId} and m.contact_id = ${contactId} and not exists (
      select from ${memories} known
      where known.tenant_id = ${tenantId} and known.contact_id = ${successorId} and known.key = m.key)`)
