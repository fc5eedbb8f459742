import { sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { ConversationLine } from '../protocol/index.ts'
import type { Sender, View } from './access.ts'

interface Wanted {
  readonly view: View
  /** For whom unread messages are counted. */
  readonly reader?: Sender
  readonly contactId?: string
  readonly ids?: readonly string[]
  readonly limit: number
}

/** Conversations as lines of a list, the last active first: their state, their last message, and what the reader has not read. */
export async function readLines(tx: Transaction, scope: Scope, wanted: Wanted): Promise<ConversationLine[]> {
  const { view, reader, contactId, ids, limit } = wanted
  const position = view === 'all' ? sql`m.seq` : sql`m.public_seq`
  const mark = view === 'all' ? sql`r.seq` : sql`r.public_seq`
  const said = sql`m.type in ('text', 'image', 'file', 'speech') and m.public_seq is not null`
  // How the team sorts its work is nothing to visitors.
  const forTeam = view === 'all' ? sql`c.priority, c.tags` : sql`0 as priority, '{}'::text[] as tags`
  const { rows } = await tx.sql.execute<ConversationLine & Record<string, unknown>>(sql`
    select c.id, c.kind, c.channel, c.status, c.title, c.owner, c.contact_id as "contactId",
      c.assigned_member_id as "assignedMemberId", (${view === 'all' ? sql`c.seq` : sql`c.public_seq`})::float8 as head,
      c.started_at as "startedAt", c.last_message_at as "lastMessageAt", ${forTeam},
      coalesce((select left(coalesce((select e.text from messages e where e.tenant_id = m.tenant_id and e.parent_id = m.id
          and e.type = 'edit' order by e.seq desc limit 1), m.text), 200)
        from messages m where m.tenant_id = c.tenant_id and m.conversation_id = c.id and ${said} and not m.metadata ? 'deleted'
        order by m.seq desc limit 1), '') as preview,
      ${
        reader
          ? sql`(select count(*) from messages m where m.tenant_id = c.tenant_id and m.conversation_id = c.id and ${said}
              and not (m.sender_kind = ${reader.kind} and m.sender_id = ${reader.id})
              and ${position} > coalesce((select ${mark} from read_marks r where r.tenant_id = c.tenant_id
                and r.conversation_id = c.id and r.reader_kind = ${reader.kind} and r.reader_id = ${reader.id}), 0))::int`
          : sql`0`
      } as unread
    from conversations c
    where c.tenant_id = ${scope.tenantId} and not c.archived
      ${contactId === undefined ? sql`` : sql`and c.contact_id = ${contactId}`}
      ${ids === undefined ? sql`` : sql`and c.id = any(${`{${ids.join(',')}}`}::uuid[])`}
    order by c.last_message_at desc nulls last, c.id desc limit ${limit}`)
  return rows.map(row => ({
    ...row,
    startedAt: new Date(row.startedAt).toISOString(),
    lastMessageAt: row.lastMessageAt === null ? null : new Date(row.lastMessageAt).toISOString(),
  }))
}
