import { sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { ConversationLine } from '../protocol/index.ts'
import type { Sender, View } from './access.ts'

interface Wanted {
  readonly view: View
  /** For whom unread messages are counted. */
  readonly readers: readonly Sender[]
  readonly contactId?: string
  /** These, whether a list shows them or not; without it those that it shows. */
  readonly ids?: readonly string[]
  readonly limit: number
}

/** A conversation as a line of lists, with what differs from reader to reader. */
export interface Line {
  readonly line: Omit<ConversationLine, 'unread'>
  /** Not in any list. */
  readonly archived: boolean
  /** Changes whenever the conversation does. */
  readonly version: string
  /** By the names of readers; `version` is that of the mark, null where there is none. */
  readonly readers: Readonly<Record<string, { readonly unread: number; readonly version: string | null }>>
}

export const readerName = ({ kind, id }: Sender): string => `${kind} ${id}`

export const lineFor = ({ line, readers }: Line, reader: string): ConversationLine => ({
  ...line,
  unread: readers[reader]?.unread ?? 0,
})

/**
 * Nobody tells a hundred unread messages from a thousand, and counting them all for everyone would take as long as the log is. Counted
 * from the end, an index is left at the hundredth; only what the reader wrote is passed over.
 */
const unreadCap = 100

type Row = Omit<Line, 'line'> & Line['line'] & Record<string, unknown>

/**
 * Conversations as lines of a list, the last active first: their state, their last message, and what each reader has not read. The page
 * is taken first, and only its conversations are counted. A visitor reads and writes under the name that the conversation began with.
 */
export async function readLines(tx: Transaction, scope: Scope, wanted: Wanted): Promise<Line[]> {
  const { view, readers, contactId, ids, limit } = wanted
  const seen = view === 'all' ? sql`seq` : sql`public_seq`
  const said = sql`m.tenant_id = c.tenant_id and m.conversation_id = c.id and m.type in ('text', 'image', 'file', 'speech')
    and m.public_seq is not null`
  // How the team sorts its work is nothing to visitors.
  const forTeam = view === 'all' ? sql`c.priority, c.tags` : sql`0 as priority, '{}'::text[] as tags`
  // A visitor who opens a chat and says nothing is no work for the team.
  const listed = view === 'all' ? sql`not c.archived and c.seq > 0` : sql`not c.archived`
  const order = sql`c.last_message_at desc nulls last, c.id desc`
  const { rows } = await tx.sql.execute<Row>(sql`
    select c.id, c.kind, c.channel, c.status, c.title, c.owner, c.epoch, c.contact_id as "contactId",
      c.assigned_member_id as "assignedMemberId", c.agent_id as "agentId", c.${seen}::float8 as head, c.started_at as "startedAt",
      c.last_message_at as "lastMessageAt", ${forTeam}, c.archived, c.updated_at::text as version, counted.readers,
      coalesce((select left(coalesce((select e.text from messages e where e.tenant_id = m.tenant_id and e.parent_id = m.id
          and e.type = 'edit' order by e.seq desc limit 1), m.text), 200)
        from messages m where ${said} and not m.metadata ? 'deleted' order by m.seq desc limit 1), '') as preview
    from (
      select * from conversations c where c.tenant_id = ${scope.tenantId}
        and ${ids === undefined ? listed : sql`c.id = any(${`{${ids.join(',')}}`}::uuid[])`}
        ${contactId === undefined ? sql`` : sql`and c.contact_id = ${contactId}`}
      order by ${order} limit ${limit}
    ) c cross join lateral (
      with mine as (
        select w.kind, w.id, speaker, coalesce(r.${seen}, 0) as mark, r.updated_at::text as version
        from jsonb_to_recordset(${JSON.stringify(readers)}::jsonb) as w(kind text, id uuid)
        cross join lateral coalesce(case w.kind when 'contact' then c.speaker_id end, w.id) as speaker
        left join read_marks r on r.tenant_id = c.tenant_id and r.conversation_id = c.id
          and r.reader_kind = w.kind and r.reader_id = speaker
      ), each as (
        select mine.kind, mine.id, mine.version, (
          select count(*) from (
            select from messages m where ${said} and m.${seen} > mine.mark
              and (m.sender_kind, m.sender_id) <> (mine.kind, mine.speaker)
            order by m.${seen} desc limit ${unreadCap}
          ) as of_others
        ) as unread from mine
      )
      select jsonb_object_agg(kind || ' ' || id, jsonb_build_object('unread', unread, 'version', version)) as readers from each
    ) counted
    order by ${order}`)
  return rows.map(({ archived, version, readers: counts, ...line }) => ({
    ...{ archived, version, readers: counts },
    line: {
      ...line,
      startedAt: new Date(line.startedAt).toISOString(),
      lastMessageAt: line.lastMessageAt === null ? null : new Date(line.lastMessageAt).toISOString(),
    },
  }))
}

/** What of an inbox may have changed: a conversation for everybody, or for one reader who has read more of it. */
export interface InboxChange {
  readonly conversationId: string
  /** The name of the one reader. */
  readonly reader: string | null
  readonly version: string
}

/** What has changed within a time that ends now, by the clock of the database alone. The conditions are those of the partial indexes. */
export async function readChanges(
  tx: Transaction,
  { tenantId }: Scope,
  readers: readonly Sender[],
  withinMs: number,
): Promise<InboxChange[]> {
  const lately = sql`now() - make_interval(secs => ${withinMs / 1000})`
  const { rows } = await tx.sql.execute<InboxChange & Record<string, unknown>>(sql`
    select c.id as "conversationId", null as reader, c.updated_at::text as version from conversations c
    where c.tenant_id = ${tenantId} and c.updated_at > ${lately} and c.seq > 0
    union all
    select r.conversation_id, r.reader_kind || ' ' || r.reader_id, r.updated_at::text from read_marks r
    join jsonb_to_recordset(${JSON.stringify(readers)}::jsonb) as w(kind text, id uuid)
      on r.reader_kind = w.kind and r.reader_id = w.id
    where r.tenant_id = ${tenantId} and r.updated_at > ${lately} and r.reader_kind in ('member', 'system')`)
  return rows
}
