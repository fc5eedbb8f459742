import { and, eq, lt, sql } from 'drizzle-orm'
import type { Transaction } from '../../db/index.ts'
import type { Scope } from '../../kernel/index.ts'
import { conversationMemory } from '../schema.ts'

export async function readSummary(tx: Transaction, scope: Scope, conversationId: string) {
  const [row] = await tx.sql
    .select()
    .from(conversationMemory)
    .where(
      and(
        eq(conversationMemory.tenantId, scope.tenantId),
        eq(conversationMemory.conversationId, conversationId),
      ),
    )
  return row
}

/** A summary only ever grows; one that tells less than what is there comes too late. */
export const writeSummary = (
  tx: Transaction,
  scope: Scope,
  values: Pick<typeof conversationMemory.$inferInsert, 'conversationId' | 'summary' | 'seq' | 'tokenCount'>,
) =>
  tx.sql
    .insert(conversationMemory)
    .values({ ...values, tenantId: scope.tenantId })
    .onConflictDoUpdate({
      target: [conversationMemory.tenantId, conversationMemory.conversationId],
      set: { ...values, updatedAt: sql`now()` },
      setWhere: lt(conversationMemory.seq, values.seq),
    })
