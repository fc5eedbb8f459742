import { and, asc, desc, eq, inArray, isNull, lt, notInArray, or } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { queryRefinements, reasoningSteps, retrievals } from './schema.ts'

export type RetrievalRow = typeof retrievals.$inferSelect
export type RetrievalValues = Omit<typeof retrievals.$inferInsert, 'tenantId' | 'createdAt'>
export type RefinementValues = Omit<typeof queryRefinements.$inferInsert, 'tenantId' | 'createdAt'>
export type StepValues = Omit<
  typeof reasoningSteps.$inferInsert,
  'tenantId' | 'id' | 'retrievalId' | 'createdAt'
>

export const insertRetrieval = (tx: Transaction, { tenantId }: Scope, values: RetrievalValues) =>
  tx.sql.insert(retrievals).values({ ...values, tenantId })

export const insertRefinement = (tx: Transaction, { tenantId }: Scope, values: RefinementValues) =>
  tx.sql.insert(queryRefinements).values({ ...values, tenantId })

export const insertSteps = (
  tx: Transaction,
  { tenantId }: Scope,
  retrievalId: string,
  steps: readonly StepValues[],
) => tx.sql.insert(reasoningSteps).values(steps.map(step => ({ ...step, tenantId, retrievalId })))

/** What these runs of these conversations searched for loses its words; that they searched, and what they found, stays. */
export async function blankSearches(
  tx: Transaction,
  { tenantId }: Scope,
  {
    conversationIds,
    runIds,
  }: { readonly conversationIds: readonly string[]; readonly runIds: readonly string[] },
): Promise<void> {
  const searches = await tx.sql
    .update(retrievals)
    .set({ query: '', reasoning: '' })
    .where(
      and(
        eq(retrievals.tenantId, tenantId),
        inArray(retrievals.conversationId, [...conversationIds]),
        inArray(retrievals.runId, [...runIds]),
      ),
    )
    .returning({ id: retrievals.id })
  const ids = searches.map(({ id }) => id)
  if (ids.length === 0) return
  await tx.sql
    .update(queryRefinements)
    .set({ originalQuery: '', refinedQuery: '' })
    .where(and(eq(queryRefinements.tenantId, tenantId), inArray(queryRefinements.retrievalId, ids)))
  await tx.sql
    .update(reasoningSteps)
    .set({ reasoning: '', result: '' })
    .where(
      and(
        eq(reasoningSteps.tenantId, tenantId),
        inArray(reasoningSteps.retrievalId, ids),
        inArray(reasoningSteps.action, ['search', 'reword']),
      ),
    )
}

export function listRetrievals(
  tx: Transaction,
  { tenantId }: Scope,
  filter: {
    readonly limit: number
    readonly after: string | undefined
    readonly conversationId: string | undefined
    /** Without the searches of these agents. */
    readonly hidden: readonly string[]
  },
) {
  const { limit, after, conversationId, hidden } = filter
  return tx.sql
    .select()
    .from(retrievals)
    .where(
      and(
        eq(retrievals.tenantId, tenantId),
        after === undefined ? undefined : lt(retrievals.id, after),
        conversationId === undefined ? undefined : eq(retrievals.conversationId, conversationId),
        hidden.length === 0
          ? undefined
          : or(isNull(retrievals.agentId), notInArray(retrievals.agentId, [...hidden])),
      ),
    )
    .orderBy(desc(retrievals.id))
    .limit(limit + 1)
}

export async function readRetrieval(
  tx: Transaction,
  { tenantId }: Scope,
  id: string,
): Promise<RetrievalRow | undefined> {
  const [row] = await tx.sql
    .select()
    .from(retrievals)
    .where(and(eq(retrievals.tenantId, tenantId), eq(retrievals.id, id)))
  return row
}

export const refinementsOf = (tx: Transaction, { tenantId }: Scope, retrievalId: string) =>
  tx.sql
    .select()
    .from(queryRefinements)
    .where(and(eq(queryRefinements.tenantId, tenantId), eq(queryRefinements.retrievalId, retrievalId)))
    .orderBy(asc(queryRefinements.id))

export const stepsOf = (tx: Transaction, { tenantId }: Scope, retrievalId: string) =>
  tx.sql
    .select()
    .from(reasoningSteps)
    .where(and(eq(reasoningSteps.tenantId, tenantId), eq(reasoningSteps.retrievalId, retrievalId)))
    .orderBy(asc(reasoningSteps.step))
