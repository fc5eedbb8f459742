import { and, asc, desc, eq, gt, lt } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { type channels, type conversationStatuses, conversations, messages } from './schema.ts'

export interface ConversationFilter {
  readonly limit: number
  readonly after: string | undefined
  readonly status?: (typeof conversationStatuses)[number] | undefined
  readonly channel?: (typeof channels)[number] | undefined
  readonly contactId?: string | undefined
  readonly assignedMemberId?: string | undefined
}

export const listConversations = (tx: Transaction, scope: Scope, filter: ConversationFilter) =>
  tx.sql
    .select()
    .from(conversations)
    .where(
      and(
        eq(conversations.tenantId, scope.tenantId),
        filter.after === undefined ? undefined : lt(conversations.id, filter.after),
        filter.status === undefined ? undefined : eq(conversations.status, filter.status),
        filter.channel === undefined ? undefined : eq(conversations.channel, filter.channel),
        filter.contactId === undefined ? undefined : eq(conversations.contactId, filter.contactId),
        filter.assignedMemberId === undefined
          ? undefined
          : eq(conversations.assignedMemberId, filter.assignedMemberId),
      ),
    )
    .orderBy(desc(conversations.id))
    .limit(filter.limit + 1)

export async function readConversation(tx: Transaction, scope: Scope, id: string) {
  const [row] = await tx.sql
    .select()
    .from(conversations)
    .where(and(eq(conversations.tenantId, scope.tenantId), eq(conversations.id, id)))
  return row
}

/** The log after a position, in order. */
export const readLog = (
  tx: Transaction,
  scope: Scope,
  conversationId: string,
  page: { readonly after: number; readonly limit: number },
) =>
  tx.sql
    .select()
    .from(messages)
    .where(
      and(
        eq(messages.tenantId, scope.tenantId),
        eq(messages.conversationId, conversationId),
        gt(messages.seq, page.after),
      ),
    )
    .orderBy(asc(messages.seq))
    .limit(page.limit)

export const insertConversation = (tx: Transaction, values: typeof conversations.$inferInsert) =>
  tx.sql.insert(conversations).values(values).returning()

export const insertMessages = (tx: Transaction, rows: (typeof messages.$inferInsert)[]) =>
  tx.sql.insert(messages).values(rows)
