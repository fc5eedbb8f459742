import { and, desc, eq, getTableColumns, lt, sql } from 'drizzle-orm'
import { conversations } from '../chat/schema.ts'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { surveys } from './schema.ts'

export type SurveyRow = typeof surveys.$inferSelect

export interface SurveyFilter {
  readonly limit: number
  readonly after: string | undefined
  readonly conversationId?: string | undefined
  readonly rating?: number | undefined
}

const of = ({ tenantId }: Scope, conversationId: string) =>
  and(eq(surveys.tenantId, tenantId), eq(surveys.conversationId, conversationId))

export async function readSurvey(
  tx: Transaction,
  scope: Scope,
  conversationId: string,
): Promise<SurveyRow | undefined> {
  const [row] = await tx.sql.select().from(surveys).where(of(scope, conversationId))
  return row
}

/** Writes what is new; returns nothing where the same stands there already. A comment that is left out stays. */
export async function writeSurvey(
  tx: Transaction,
  { tenantId }: Scope,
  said: {
    readonly conversationId: string
    readonly rating: number
    readonly comment: string | null | undefined
  },
): Promise<SurveyRow | undefined> {
  const { conversationId, rating, comment } = said
  const kept = comment === undefined ? sql`${surveys.comment}` : sql`excluded.comment`
  const [row] = await tx.sql
    .insert(surveys)
    .values({ tenantId, conversationId, rating, comment: comment ?? null })
    .onConflictDoUpdate({
      target: [surveys.tenantId, surveys.conversationId],
      set: { rating, comment: kept, revision: sql`${surveys.revision} + 1`, updatedAt: new Date() },
      setWhere: sql`(${surveys.rating}, ${surveys.comment}) is distinct from (excluded.rating, ${kept})`,
    })
    .returning()
  return row
}

/** With whose conversation it was, as it is now. */
export const listSurveys = (tx: Transaction, { tenantId }: Scope, filter: SurveyFilter) =>
  tx.sql
    .select({ ...getTableColumns(surveys), contactId: conversations.contactId })
    .from(surveys)
    .innerJoin(
      conversations,
      and(eq(conversations.tenantId, surveys.tenantId), eq(conversations.id, surveys.conversationId)),
    )
    .where(
      and(
        eq(surveys.tenantId, tenantId),
        filter.after === undefined ? undefined : lt(surveys.id, filter.after),
        filter.conversationId === undefined ? undefined : eq(surveys.conversationId, filter.conversationId),
        filter.rating === undefined ? undefined : eq(surveys.rating, filter.rating),
      ),
    )
    .orderBy(desc(surveys.id))
    .limit(filter.limit + 1)
