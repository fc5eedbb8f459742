import {
  and,
  asc,
  desc,
  eq,
  getTableColumns,
  inArray,
  isNotNull,
  isNull,
  lt,
  ne,
  notInArray,
  or,
  sql,
} from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { knowledgeDocuments, knowledgeSources } from './schema.ts'

const { metadata: _text, ...columns } = getTableColumns(knowledgeSources)

/** Without what was pasted, which may be long. */
export type SourceRow = Omit<typeof knowledgeSources.$inferSelect, 'metadata'>
export type SourceValues = Partial<Omit<SourceRow, 'tenantId' | 'id' | 'createdAt' | 'updatedAt'>> & {
  readonly metadata?: { readonly text: string }
}

const one = ({ tenantId }: Scope, id: string) =>
  and(eq(knowledgeSources.tenantId, tenantId), eq(knowledgeSources.id, id))

export interface SourceFilter {
  readonly limit: number
  readonly after?: string | undefined
  readonly agentId?: string | undefined
  readonly status?: SourceRow['status'] | undefined
  readonly type?: SourceRow['type'] | undefined
  /** Without what serves these agents alone. */
  readonly hidden: readonly string[]
}

const shown = (hidden: readonly string[]) =>
  hidden.length === 0
    ? undefined
    : or(isNull(knowledgeSources.agentId), notInArray(knowledgeSources.agentId, [...hidden]))

export const listSources = (tx: Transaction, { tenantId }: Scope, filter: SourceFilter) =>
  tx.sql
    .select(columns)
    .from(knowledgeSources)
    .where(
      and(
        eq(knowledgeSources.tenantId, tenantId),
        filter.after === undefined ? undefined : lt(knowledgeSources.id, filter.after),
        filter.agentId === undefined ? undefined : eq(knowledgeSources.agentId, filter.agentId),
        filter.status === undefined ? undefined : eq(knowledgeSources.status, filter.status),
        filter.type === undefined ? undefined : eq(knowledgeSources.type, filter.type),
        shown(filter.hidden),
      ),
    )
    .orderBy(desc(knowledgeSources.id))
    .limit(filter.limit + 1)

export async function readSource(tx: Transaction, scope: Scope, id: string): Promise<SourceRow | undefined> {
  const [row] = await tx.sql.select(columns).from(knowledgeSources).where(one(scope, id))
  return row
}

export async function lockSource(tx: Transaction, scope: Scope, id: string): Promise<SourceRow | undefined> {
  const [row] = await tx.sql.select(columns).from(knowledgeSources).where(one(scope, id)).for('update')
  return row
}

export async function readPastedText(tx: Transaction, scope: Scope, id: string): Promise<string> {
  const [row] = await tx.sql
    .select({ text: sql<string | null>`${knowledgeSources.metadata}->>'text'` })
    .from(knowledgeSources)
    .where(one(scope, id))
  return row?.text ?? ''
}

export async function insertSource(
  tx: Transaction,
  { tenantId }: Scope,
  values: SourceValues & { readonly id: string; readonly name: string; readonly type: SourceRow['type'] },
): Promise<SourceRow | undefined> {
  const [row] = await tx.sql
    .insert(knowledgeSources)
    .values({ ...values, tenantId })
    .returning(columns)
  return row
}

/** By the clock of the database, and later than before in any case: by this, who follows knows which of two states is the newer. */
const later = sql`greatest(clock_timestamp(), ${knowledgeSources.updatedAt} + interval '1 millisecond')`

export async function changeSource(
  tx: Transaction,
  scope: Scope,
  id: string,
  values: SourceValues,
): Promise<SourceRow | undefined> {
  const [row] = await tx.sql
    .update(knowledgeSources)
    .set({ ...values, updatedAt: later })
    .where(one(scope, id))
    .returning(columns)
  return row
}

export const removeSource = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql.delete(knowledgeSources).where(one(scope, id))

/** How many there are and what the uploads take up. Locks nothing: two at the same moment may pass it by one. */
export async function usedByUploads(tx: Transaction, { tenantId }: Scope): Promise<number> {
  const [row] = await tx.sql
    .select({ bytes: sql<string>`coalesce(sum(${knowledgeSources.fileSize}), 0)` })
    .from(knowledgeSources)
    .where(and(eq(knowledgeSources.tenantId, tenantId), isNotNull(knowledgeSources.storageKey)))
  return Number(row?.bytes ?? 0)
}

/** Of these sources those that are there. */
export async function sourcesAmong(
  tx: Transaction,
  { tenantId }: Scope,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await tx.sql
    .select({ id: knowledgeSources.id })
    .from(knowledgeSources)
    .where(and(eq(knowledgeSources.tenantId, tenantId), inArray(knowledgeSources.id, [...ids])))
  return new Set(rows.map(({ id }) => id))
}

/** Ready ones whose vectors another model made, at least of a part. */
export const embeddedOtherwise = (tx: Transaction, { tenantId }: Scope, embedder: string) =>
  tx.sql
    .select({ id: knowledgeSources.id, revision: knowledgeSources.revision })
    .from(knowledgeSources)
    .where(
      and(
        eq(knowledgeSources.tenantId, tenantId),
        ne(knowledgeSources.status, 'processing'),
        or(isNull(knowledgeSources.embedder), ne(knowledgeSources.embedder, embedder)),
        sql`exists (select from ${knowledgeDocuments} d where d.tenant_id = ${knowledgeSources.tenantId}
          and d.source_id = ${knowledgeSources.id} and d.status = 'ready' and d.metadata->>'embedder' <> ${embedder})`,
      ),
    )
    .orderBy(asc(knowledgeSources.id))

/** Being read, as it seems, and untouched since then. */
export const stuckSources = (tx: Transaction, { tenantId }: Scope, since: Date) =>
  tx.sql
    .select({ id: knowledgeSources.id, revision: knowledgeSources.revision })
    .from(knowledgeSources)
    .where(
      and(
        eq(knowledgeSources.tenantId, tenantId),
        eq(knowledgeSources.status, 'processing'),
        lt(knowledgeSources.updatedAt, since),
      ),
    )
