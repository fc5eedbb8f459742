import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { PgInsertValue, PgUpdateSetSource } from 'drizzle-orm/pg-core'
import { conversations } from '../chat/schema.ts'
import type { Transaction } from '../db/index.ts'
import type { Scope, TakenBackPlace } from '../kernel/index.ts'
import { type escalationStatuses, escalations } from './schema.ts'

export type EscalationRow = typeof escalations.$inferSelect
export type EscalationValues = Omit<PgInsertValue<typeof escalations>, 'tenantId'>

/** The clock of the database, by which waits are measured: those of nodes differ. */
export const byDatabase = sql<Date>`clock_timestamp()`

export interface EscalationFilter {
  readonly limit: number
  readonly after: string | undefined
  readonly status?: (typeof escalationStatuses)[number] | undefined
  readonly conversationId?: string | undefined
  readonly assignedMemberId?: string | undefined
}

export const listEscalations = (tx: Transaction, scope: Scope, filter: EscalationFilter) =>
  tx.sql
    .select()
    .from(escalations)
    .where(
      and(
        eq(escalations.tenantId, scope.tenantId),
        filter.after === undefined ? undefined : lt(escalations.id, filter.after),
        filter.status === undefined ? undefined : eq(escalations.status, filter.status),
        filter.conversationId === undefined
          ? undefined
          : eq(escalations.conversationId, filter.conversationId),
        filter.assignedMemberId === undefined
          ? undefined
          : eq(escalations.assignedMemberId, filter.assignedMemberId),
      ),
    )
    .orderBy(desc(escalations.id))
    .limit(filter.limit + 1)

export async function readEscalation(
  tx: Transaction,
  scope: Scope,
  id: string,
): Promise<EscalationRow | undefined> {
  const [row] = await tx.sql
    .select()
    .from(escalations)
    .where(and(eq(escalations.tenantId, scope.tenantId), eq(escalations.id, id)))
  return row
}

/** Dated when its conversation is locked, and so later than all that its brief has read, however long it waited for the lock. */
export const insertEscalation = (tx: Transaction, scope: Scope, values: EscalationValues) =>
  tx.sql.insert(escalations).values({ ...values, createdAt: byDatabase, tenantId: scope.tenantId })

/**
 * Of these conversations the hand-overs since something was said keep no words of it; why an agent called, in its own words, tells them as
 * well. Returns the conversations in which one of them is open.
 */
export async function blankBriefs(
  tx: Transaction,
  { tenantId }: Scope,
  places: readonly TakenBackPlace[],
): Promise<string[]> {
  const { rows } = await tx.sql.execute<{ id: string; status: EscalationRow['status'] }>(sql`
    update escalations e set detail = case when e.run_id is null then e.detail else '' end,
      brief = e.brief || '{"summary": "", "asked": "", "tried": []}', updated_at = now()
    from jsonb_to_recordset(${JSON.stringify(places)}::jsonb) as p("conversationId" uuid, "saidAt" timestamptz)
    where e.tenant_id = ${tenantId} and e.conversation_id = p."conversationId" and e.created_at >= p."saidAt"
    returning e.conversation_id as id, e.status`)
  return rows.filter(({ status }) => isOpen.includes(status)).map(({ id }) => id)
}

/** What is open in these conversations has the brief of as it is now. */
export const writeBriefs = (
  tx: Transaction,
  { tenantId }: Scope,
  briefs: ReadonlyMap<string, EscalationRow['brief']>,
) =>
  tx.sql.execute(sql`
    update escalations e set brief = b.brief, updated_at = now()
    from jsonb_to_recordset(${JSON.stringify([...briefs].map(([id, brief]) => ({ id, brief })))}::jsonb) as b(id uuid, brief jsonb)
    where e.tenant_id = ${tenantId} and e.conversation_id = b.id and e.status = any(${`{${isOpen.join(',')}}`}::text[])`)

/** A contact that goes, and still has its conversations, is named in no brief of theirs. They are held first, as by everybody. */
export async function dropContact(tx: Transaction, { tenantId }: Scope, contactId: string): Promise<void> {
  const theirs = await tx.sql
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(eq(conversations.tenantId, tenantId), eq(conversations.contactId, contactId)))
    .orderBy(asc(conversations.id))
    .for('no key update')
  await tx.sql
    .update(escalations)
    .set({ brief: sql`${escalations.brief} || '{"contact": {}}'`, updatedAt: new Date() })
    .where(
      and(
        eq(escalations.tenantId, tenantId),
        inArray(
          escalations.conversationId,
          theirs.map(({ id }) => id),
        ),
      ),
    )
}

const isOpen: readonly EscalationRow['status'][] = ['pending', 'assigned']

/** Of a conversation at most one is open; what becomes of it. Returns whether there was one. */
export async function changeOpenEscalation(
  tx: Transaction,
  scope: Scope,
  conversationId: string,
  values: Omit<PgUpdateSetSource<typeof escalations>, 'tenantId' | 'id'>,
): Promise<boolean> {
  const changed = await tx.sql
    .update(escalations)
    .set({ ...values, updatedAt: new Date() })
    .where(
      and(
        eq(escalations.tenantId, scope.tenantId),
        eq(escalations.conversationId, conversationId),
        inArray(escalations.status, [...isOpen]),
      ),
    )
    .returning({ id: escalations.id })
  return changed.length > 0
}
