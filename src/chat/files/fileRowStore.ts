import { and, eq, inArray, type SQL, sql } from 'drizzle-orm'
import type { Transaction } from '../../db/index.ts'
import type { Scope } from '../../kernel/index.ts'
import { tenants } from '../../tenancy/schema.ts'
import { conversations, files } from '../schema.ts'

export type FileRow = typeof files.$inferSelect

/** Where a file is put, and by whom. */
export type Place = Pick<FileRow, 'uploaderKind' | 'uploaderId'> & { readonly conversationId: string }

export async function conversationOf(tx: Transaction, scope: Scope, id: string) {
  const [row] = await tx.sql
    .select({ id: conversations.id, contactId: conversations.contactId, speakerId: conversations.speakerId })
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

interface Usage {
  readonly tenant: number
  readonly strangers: number
  readonly uploader: number
}

/** Until this transaction ends no other one gets to know: two of them could take the last place. The lock lets rows that refer to the tenant be inserted. */
export async function lockUsage(tx: Transaction, scope: Scope, place: Place): Promise<Usage> {
  await tx.sql
    .select({ id: tenants.id })
    .from(tenants)
    .where(eq(tenants.id, scope.tenantId))
    .for('no key update')
  return readUsage(tx, scope, place)
}

/**
 * How many bytes the files of the tenant have, those that visitors and guests put into a conversation, and those that an uploader put
 * into any.
 */
export async function readUsage(
  tx: Transaction,
  scope: Scope,
  { conversationId, uploaderKind, uploaderId }: Place,
): Promise<Usage> {
  const ofStrangers = and(
    eq(files.conversationId, conversationId),
    inArray(files.uploaderKind, ['contact', 'guest']),
  )
  const ofUploader = and(eq(files.uploaderKind, uploaderKind), eq(files.uploaderId, uploaderId))
  const bytes = (which?: SQL) =>
    sql`coalesce(sum(${files.size}) filter (where ${which ?? sql`true`}), 0)`.mapWith(Number)
  const [row] = await tx.sql
    .select({ tenant: bytes(), strangers: bytes(ofStrangers), uploader: bytes(ofUploader) })
    .from(files)
    .where(eq(files.tenantId, scope.tenantId))
  return row ?? { tenant: 0, strangers: 0, uploader: 0 }
}

/** Adds to what is known of a file, if it is still there. */
export async function addMetadata(
  tx: Transaction,
  scope: Scope,
  id: string,
  metadata: Record<string, unknown>,
): Promise<boolean> {
  const rows = await tx.sql
    .update(files)
    .set({ metadata: sql`${files.metadata} || ${JSON.stringify(metadata)}::jsonb` })
    .where(and(eq(files.tenantId, scope.tenantId), eq(files.id, id)))
    .returning({ id: files.id })
  return rows.length > 0
}

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
