import { type SQL, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Entry } from '../protocol/index.ts'
import type { Sender } from './access.ts'

/** A file that someone to whom a conversation is open wants to read, or to show there. */
export interface WantedFile {
  readonly fileId: string
  readonly conversationId: string
  readonly reader: Sender
}

/** Whether file `f` stands in an entry `m` of its conversation that fits. What was taken back stands nowhere: it has no parts any more. */
const standsIn = (fitting: SQL): SQL => sql`exists (
  select from messages m where m.tenant_id = f.tenant_id and m.conversation_id = f.conversation_id
    and m.parts @? '$[*].fileId' and ${fitting}
    and exists (select from jsonb_array_elements(m.parts) part where lower(part ->> 'fileId') = f.id::text))`

/**
 * Of these files the ones that are closed to who wants them, by their place in the list. Members and programs reach every file of the
 * conversation. To visitors and guests, one is open if a public entry shows it, or if they have uploaded it themselves and it
 * stands nowhere yet: what only a note shows is not there for them, whatever id they know. A visitor whose conversation was taken over is
 * one reader under two names.
 */
export async function closedFiles(
  tx: Transaction,
  tenantId: string,
  wanted: readonly WantedFile[],
): Promise<ReadonlySet<number>> {
  if (wanted.length === 0) return new Set()
  const list = wanted.map(({ fileId, conversationId, reader }, place) => ({
    ...{ place, fileId, conversationId },
    ...reader,
  }))
  const { rows } = await tx.sql.execute<{ place: number }>(sql`
    select w.place
    from jsonb_to_recordset(${JSON.stringify(list)}::jsonb)
      as w(place int, "fileId" uuid, "conversationId" uuid, kind text, id uuid)
    where not exists (
      select from files f
      join conversations c on c.tenant_id = f.tenant_id and c.id = f.conversation_id
      where f.tenant_id = ${tenantId} and f.id = w."fileId" and f.conversation_id = w."conversationId"
        and (w.kind not in ('contact', 'guest')
          or ${standsIn(sql`m.public_seq is not null`)}
          or f.uploader_kind = w.kind and f.uploader_id in (w.id, c.contact_id, c.speaker_id) and not ${standsIn(sql`true`)}))`)
  return new Set(rows.map(({ place }) => place))
}

/** Removes of these files those that stand in no entry any more, and tells which: their objects have no row then. */
export async function dropFiles(
  tx: Transaction,
  tenantId: string,
  fileIds: readonly string[],
): Promise<string[]> {
  if (fileIds.length === 0) return []
  const { rows } = await tx.sql.execute<{ id: string }>(sql`
    delete from files f where f.tenant_id = ${tenantId} and f.id = any(${`{${fileIds.join(',')}}`}::uuid[])
      and not ${standsIn(sql`true`)}
    returning f.id`)
  return rows.map(({ id }) => id)
}

const unsent = (
  tenantId: string,
  before: Date,
): SQL => sql`f.tenant_id = ${tenantId} and f.uploader_kind in ('contact', 'guest')
  and f.created_at < ${before.toISOString()} and not ${standsIn(sql`true`)}`

/** The conversations with uploads of visitors and guests that nobody has sent since. */
export async function conversationsWithUnsent(
  tx: Transaction,
  tenantId: string,
  before: Date,
): Promise<string[]> {
  const { rows } = await tx.sql.execute<{ id: string }>(sql`
    select distinct f.conversation_id as id from files f
    where f.conversation_id is not null and ${unsent(tenantId, before)} order by 1`)
  return rows.map(({ id }) => id)
}

/** Removes these uploads, in conversations that this transaction has locked: one might just be being sent. */
export const dropUnsent = (
  tx: Transaction,
  tenantId: string,
  conversationIds: readonly string[],
  before: Date,
) =>
  tx.sql.execute(sql`
    delete from files f where f.conversation_id = any(${`{${conversationIds.join(',')}}`}::uuid[]) and ${unsent(tenantId, before)}`)

/** The files that parts name. */
export const filesOf = (parts: Entry['parts']): string[] =>
  parts.flatMap(({ type, fileId }) =>
    (type === 'image' || type === 'file') && typeof fileId === 'string' ? [fileId] : [],
  )
