import { type SQL, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { senderKinds } from '../protocol/index.ts'
import { type Sender, viewOf } from './access.ts'

/** What rooms above ask of a log. Whether its conversation is open to the actor they have asked before. */

const visibleTo = (scope: Scope) => (viewOf(scope) === 'all' ? sql`true` : sql`m.public_seq is not null`)

/** The planner takes logs for shorter than they are, and would rather read all of one and sort it. */
const sorting = (how: 'on' | 'off') => sql`select set_config('enable_sort', ${how}, true)`

/**
 * Everybody who has said or done something that the actor sees. Long logs have few speakers, and are looked through from one to the next: the
 * index that finds a repeated send has the entries by sender.
 */
export async function sendersIn(tx: Transaction, scope: Scope, conversationId: string): Promise<Sender[]> {
  const first = (of: SQL) => sql`
    select m.sender_kind as kind, m.sender_id as id from messages m
    where m.tenant_id = ${scope.tenantId} and m.conversation_id = ${conversationId} and ${visibleTo(scope)} and ${of}
    order by m.sender_id limit 1`
  await tx.sql.execute(sorting('off'))
  const { rows } = await tx.sql.execute<{ kind: (typeof senderKinds)[number]; id: string }>(sql`
    with recursive spoke as (
      (${first(sql`true`)})
      union all
      select next.kind, next.id from spoke, lateral (${first(sql`m.sender_id > spoke.id`)}) next
    ) select kind, id from spoke`)
  await tx.sql.execute(sorting('on'))
  return rows
}

/** Whether a message that the actor sees, as it was said or as it was edited, refers to a chunk. */
export async function isCited(
  tx: Transaction,
  scope: Scope,
  at: { readonly conversationId: string; readonly messageId: string; readonly chunkId: string },
): Promise<boolean> {
  const citation = JSON.stringify([{ type: 'citation', chunkId: at.chunkId }])
  const { rows } = await tx.sql.execute(sql`
    select from messages m
    where m.tenant_id = ${scope.tenantId} and m.conversation_id = ${at.conversationId} and ${visibleTo(scope)}
      and (m.id = ${at.messageId} or m.type = 'edit' and m.parent_id = ${at.messageId})
      and m.parts @> ${citation}::jsonb limit 1`)
  return rows.length > 0
}

/** What visitors were shown, as it stands now: edits in the place of what they edit, nothing that was taken back. */
export interface Said {
  readonly sender: Sender
  readonly type: string
  readonly text: string
  /** Names of the files in it. */
  readonly files: readonly string[]
  /** What the numbers in its text refer to. */
  readonly sources: readonly { readonly number: number; readonly title: string }[]
  readonly createdAt: string
}

/** The last of it, as much as is wanted and at least the last entry; the oldest first. */
export async function readSaid(
  tx: Transaction,
  { tenantId }: Scope,
  conversationId: string,
  most: { readonly entries: number; readonly characters: number },
): Promise<{ readonly said: Said[] /** There is more. */; readonly shortened: boolean }> {
  const { rows } = await tx.sql.execute<SaidRow>(sql`
    with last as (
      select m.public_seq, m.sender_kind as kind, m.sender_id as id, m.type, coalesce(e.text, m.text) as text,
        coalesce(e.parts, m.parts) as parts, m.created_at as "createdAt"
      from messages m left join lateral (
        select text, parts from messages where tenant_id = ${tenantId} and parent_id = m.id and type = 'edit'
        order by seq desc limit 1
      ) e on true
      where m.tenant_id = ${tenantId} and m.conversation_id = ${conversationId} and m.public_seq is not null
        and m.type in ('text', 'image', 'file', 'speech', 'system_event') and not m.metadata ? 'deleted'
      order by m.public_seq desc limit ${most.entries + 1}
    ), counted as (
      select *, row_number() over backwards as place, sum(length(text)) over backwards as characters, count(*) over () as total
      from last window backwards as (order by public_seq desc)
    )
    select kind, id, type, text, "createdAt", total::int,
      jsonb_path_query_array(parts, '$[*] ? (exists (@.fileId)).name') as files,
      jsonb_path_query_array(parts, '$[*] ? (@.type == "citation")') as sources
    from counted where place = 1 or place <= ${most.entries} and characters <= ${most.characters} order by public_seq`)
  return {
    said: rows.map(({ kind, id, createdAt, total: _, ...row }) => ({
      ...row,
      sender: { kind, id },
      createdAt: new Date(createdAt).toISOString(),
    })),
    shortened: rows.length < (rows[0]?.total ?? 0),
  }
}

type SaidRow = Omit<Said, 'sender'> & Sender & { total: number } & Record<string, unknown>
