import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Transaction } from '../../db/index.ts'
import type { Scope } from '../../kernel/index.ts'
import { conversations, files } from '../schema.ts'

export type FileRow = typeof files.$inferSelect

export async function conversationOf(tx: Transaction, scope: Scope, id: string) {
  const [row] = await tx.sql
    .select({ id: conversations.id, contactId: conversations.contactId })
    .from(conversations)
    .where(and(eq(conversations.tenantId, scope.tenantId), eq(conversations.id, id)))
  return row
}

export const insertFile = (
  tx: Transaction,
  scope: Scope,
  values: Omit<typeof files.$inferInsert, 'tenantId'>,
): Promise<FileRow[]> =>
  tx.sql
    .insert(files)
    .values({ ...values, tenantId: scope.tenantId })
    .returning()

export async function readFile(tx: Transaction, scope: Scope, id: string): Promise<FileRow | undefined> {
  const [row] = await tx.sql
    .select()
    .from(files)
    .where(and(eq(files.tenantId, scope.tenantId), eq(files.id, id)))
  return row
}

/** Adds to what is known of a file. */
export const addMetadata = (tx: Transaction, scope: Scope, id: string, metadata: Record<string, unknown>) =>
  tx.sql
    .update(files)
    .set({ metadata: sql`${files.metadata} || ${JSON.stringify(metadata)}::jsonb` })
    .where(and(eq(files.tenantId, scope.tenantId), eq(files.id, id)))

/** Of these ids the ones that are files. */
export async function filesAmong(
  tx: Transaction,
  scope: Scope,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await tx.sql
    .select({ id: files.id })
    .from(files)
    .where(and(eq(files.tenantId, scope.tenantId), inArray(files.id, [...ids])))
  return new Set(rows.map(({ id }) => id))
}
