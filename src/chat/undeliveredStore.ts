import { sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'

export interface Undelivered {
  readonly id: string
  readonly title: string | null
  readonly status: string
  readonly contactId: string
  readonly contactName: string | null
  readonly contactEmail: string | null
  /** Messages for the visitor that none of their devices has received, without those taken back. */
  readonly messages: number
  readonly since: string
  readonly lastText: string
}

/**
 * Conversations whose visitor has not received everything that was said to them (G7), by what their own clients reported. Newest
 * conversations first, as in every list.
 */
export async function listUndelivered(
  tx: Transaction,
  scope: Scope,
  page: { readonly limit: number; readonly after: string | undefined },
): Promise<Undelivered[]> {
  const { rows } = await tx.sql.execute<Undelivered & Record<string, unknown>>(sql`
    select c.id, c.title, c.status, c.contact_id as "contactId", p.name as "contactName", p.email as "contactEmail",
      waiting.messages, waiting.since, waiting."lastText"
    from conversations c
    join contacts p on p.tenant_id = c.tenant_id and p.id = c.contact_id
    left join read_marks r on r.tenant_id = c.tenant_id and r.conversation_id = c.id
      and r.reader_kind = 'contact' and r.reader_id = coalesce(c.speaker_id, c.contact_id),
    lateral (
      select count(*)::int as messages, min(m.created_at) as since,
        left((array_agg(coalesce(edit.text, m.text) order by m.public_seq desc))[1], 200) as "lastText"
      from messages m
      left join lateral (
        select e.text from messages e
        where e.tenant_id = m.tenant_id and e.parent_id = m.id and e.type = 'edit' order by e.seq desc limit 1
      ) edit on true
      where m.tenant_id = c.tenant_id and m.conversation_id = c.id
        and m.public_seq > coalesce(r.delivered_public_seq, 0)
        and m.sender_kind <> 'contact' and m.type in ('text', 'image', 'file') and not m.metadata ? 'deleted'
    ) waiting
    where c.tenant_id = ${scope.tenantId} and c.channel = 'widget' and not c.archived
      and c.public_seq > coalesce(r.delivered_public_seq, 0) and waiting.messages > 0
      ${page.after === undefined ? sql`` : sql`and c.id < ${page.after}`}
    order by c.id desc limit ${page.limit + 1}`)
  return rows.map(row => ({ ...row, since: new Date(row.since).toISOString() }))
}
