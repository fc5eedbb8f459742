import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { Mark, senderKinds } from '../protocol/index.ts'
import type { View } from './access.ts'
import { readMarks } from './schema.ts'

export interface MarkInput {
  readonly conversationId: string
  readonly readerKind: (typeof senderKinds)[number]
  readonly readerId: string
  /** In which way of counting the positions are given. */
  readonly view: View
  readonly delivered: number
  readonly read: number
}

/** A mark in both ways of counting. */
export interface ToldMark {
  readonly conversationId: string
  readonly readerKind: (typeof senderKinds)[number]
  readonly readerId: string
  readonly seq: number
  readonly deliveredSeq: number
  readonly publicSeq: number
  readonly deliveredPublicSeq: number
  /** Whether visitors are to be told: a mark that moved over notes alone would give them away. */
  readonly publicMoved: boolean
}

export interface MovedMark extends ToldMark {
  /** Whether more has been read, not only received. */
  readonly readMoved: boolean
}

/** A mark that covers nothing a visitor sees stands on a note, and would give it away. */
export async function marksOf(
  tx: Transaction,
  scope: Scope,
  view: View,
  conversationId: string,
): Promise<Mark[]> {
  const rows = await tx.sql
    .select()
    .from(readMarks)
    .where(and(eq(readMarks.tenantId, scope.tenantId), eq(readMarks.conversationId, conversationId)))
  const marks = rows.map(row => ({
    reader: { kind: row.readerKind, id: row.readerId },
    delivered: view === 'all' ? row.deliveredSeq : row.deliveredPublicSeq,
    read: view === 'all' ? row.seq : row.publicSeq,
  }))
  // Someone who has seen notes alone has a mark that visitors must not learn of.
  return marks.filter(({ delivered }) => view === 'all' || delivered > 0)
}

/** Marks of these conversations that moved within a time that ends now, by the clock of the database. */
export async function marksSince(
  tx: Transaction,
  scope: Scope,
  conversationIds: readonly string[],
  withinMs: number,
): Promise<ToldMark[]> {
  const lately = sql`now() - make_interval(secs => ${withinMs / 1000})`
  return tx.sql
    .select({
      ...getTableColumns(readMarks),
      publicMoved: sql<boolean>`${readMarks.publicMovedAt} > ${lately} and ${readMarks.deliveredPublicSeq} > 0`,
    })
    .from(readMarks)
    .where(
      and(
        eq(readMarks.tenantId, scope.tenantId),
        sql`${readMarks.conversationId} = any(${`{${conversationIds.join(',')}}`}::uuid[])`,
        sql`${readMarks.updatedAt} > ${lately}`,
      ),
    )
}

/**
 * Moves marks forward, and only forward, whatever order they arrive in. Each is kept in both ways of counting, so that members and visitors can
 * be told in theirs; a position beyond the log's end counts as its end. Of one reader's in one conversation the highest counts: a row cannot be
 * written twice by one statement.
 */
export async function moveMarks(
  tx: Transaction,
  tenantId: string,
  marks: readonly MarkInput[],
): Promise<MovedMark[]> {
  const { rows } = await tx.sql.execute<MovedMark & Record<string, unknown>>(sql`
    with given as (
      select * from jsonb_to_recordset(${JSON.stringify(marks)}::jsonb) as g("conversationId" uuid, "readerKind" text,
        "readerId" uuid, view text, delivered int8, read int8)
    ), counted as (
      select g.*, place.* from given g
      join conversations c on c.tenant_id = ${tenantId} and c.id = g."conversationId",
      lateral (select
        case view when 'all' then least(g.read, c.seq) else coalesce((select m.seq from messages m where m.tenant_id = ${tenantId}
          and m.conversation_id = c.id and m.public_seq = least(g.read, c.public_seq)), 0) end as seq,
        case view when 'all' then least(g.delivered, c.seq) else coalesce((select m.seq from messages m where m.tenant_id = ${tenantId}
          and m.conversation_id = c.id and m.public_seq = least(g.delivered, c.public_seq)), 0) end as delivered_seq,
        case view when 'public' then least(g.read, c.public_seq) else coalesce((select m.public_seq from messages m
          where m.tenant_id = ${tenantId} and m.conversation_id = c.id and m.seq <= g.read and m.public_seq is not null
          order by m.seq desc limit 1), 0) end as public_seq,
        case view when 'public' then least(g.delivered, c.public_seq) else coalesce((select m.public_seq from messages m
          where m.tenant_id = ${tenantId} and m.conversation_id = c.id and m.seq <= g.delivered and m.public_seq is not null
          order by m.seq desc limit 1), 0) end as delivered_public_seq) place
    ), before as (
      select distinct r.* from read_marks r join given g on r.tenant_id = ${tenantId} and r.conversation_id = g."conversationId"
        and r.reader_kind = g."readerKind" and r.reader_id = g."readerId"
    ), moved as (
      insert into read_marks as r (tenant_id, conversation_id, reader_kind, reader_id, seq, public_seq, delivered_seq, delivered_public_seq)
      select ${tenantId}, "conversationId", "readerKind", "readerId", max(seq), max(public_seq),
        max(greatest(delivered_seq, seq)), max(greatest(delivered_public_seq, public_seq)) from counted
      group by "conversationId", "readerKind", "readerId"
      order by "conversationId", "readerKind", "readerId"
      on conflict (tenant_id, conversation_id, reader_kind, reader_id) do update set
        seq = greatest(r.seq, excluded.seq), public_seq = greatest(r.public_seq, excluded.public_seq),
        delivered_seq = greatest(r.delivered_seq, excluded.delivered_seq),
        delivered_public_seq = greatest(r.delivered_public_seq, excluded.delivered_public_seq), updated_at = now(),
        public_moved_at = case when excluded.public_seq > r.public_seq or excluded.delivered_public_seq > r.delivered_public_seq
          then now() else r.public_moved_at end
      where excluded.seq > r.seq or excluded.delivered_seq > r.delivered_seq
        or excluded.public_seq > r.public_seq or excluded.delivered_public_seq > r.delivered_public_seq
      returning r.*
    )
    select m.conversation_id as "conversationId", m.reader_kind as "readerKind", m.reader_id as "readerId", m.seq::float8 as seq,
      m.delivered_seq::float8 as "deliveredSeq", m.public_seq::float8 as "publicSeq",
      m.delivered_public_seq::float8 as "deliveredPublicSeq",
      (coalesce(b.public_seq, 0), coalesce(b.delivered_public_seq, 0)) <> (m.public_seq, m.delivered_public_seq) as "publicMoved",
      coalesce(b.seq, 0) <> m.seq as "readMoved"
    from moved m left join before b on b.conversation_id = m.conversation_id and b.reader_kind = m.reader_kind
      and b.reader_id = m.reader_id`)
  return rows
}
