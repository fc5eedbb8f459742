import { sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Entry, messageRoles, messageTypes, owners, senderKinds } from '../protocol/index.ts'

/** What a new entry is refused or allowed by: its conversation as it is under the lock. */
export interface LockedConversation {
  readonly id: string
  readonly kind: string
  readonly status: string
  readonly contactId: string | null
  readonly owner: (typeof owners)[number]
  readonly epoch: number
}

/** The entry that another one edits or takes back. */
export interface TargetEntry {
  readonly id: string
  readonly conversationId: string
  readonly type: (typeof messageTypes)[number]
  readonly senderId: string
  readonly public: boolean
  readonly deleted: boolean
}

export interface NewEntry {
  readonly id: string
  readonly conversationId: string
  readonly clientId: string
  readonly sender: { readonly kind: (typeof senderKinds)[number]; readonly id: string }
  readonly role: (typeof messageRoles)[number]
  readonly type: (typeof messageTypes)[number]
  readonly parts: Entry['parts']
  readonly text: string
  readonly parentId: string | null
  /** Whether visitors see it. */
  readonly public: boolean
  readonly metadata?: Record<string, unknown>
}

export interface StoredEntry {
  readonly id: string
  readonly seq: number
  readonly publicSeq: number | null
  readonly createdAt: string
  /** It was there already: a repeat (L2). */
  readonly repeated: boolean
}

/**
 * What the planner may not do in the statement that follows the lock. What it knows of a table may be long outdated: of a tenant that it
 * takes to be small it would read every message for each group. Whatever it knows, each row is found by its index.
 */
const byIndexOnly = ['seqscan', 'bitmapscan', 'hashjoin', 'mergejoin', 'sort']
  .map(way => `enable_${way}`)
  .concat('jit')

/** Locks conversations in the order of their ids, which is everybody's order: two groups never wait for each other (L3). */
export const lockStatement = {
  name: 'parley_log_lock',
  text: `
    select id, kind, status, contact_id as "contactId", owner, epoch from conversations
    where tenant_id = $1 and id = any($2::uuid[]) and (
      select count(set_config(setting, 'off', true)) from unnest(array[${byIndexOnly.map(name => `'${name}'`)}]) as setting
    ) > 0
    order by id for update`,
}

export async function lockConversations(
  tx: Transaction,
  tenantId: string,
  ids: readonly string[],
): Promise<Map<string, LockedConversation>> {
  const rows = await tx.prepared<LockedConversation>(lockStatement, [tenantId, arrayOf(ids)])
  return new Map(rows.map(row => [row.id, row]))
}

export async function readTargets(
  tx: Transaction,
  tenantId: string,
  ids: readonly string[],
): Promise<Map<string, TargetEntry>> {
  if (ids.length === 0) return new Map()
  const { rows } = await tx.sql.execute<TargetEntry & Record<string, unknown>>(sql`
    select id, conversation_id as "conversationId", type, sender_id as "senderId", public_seq is not null as public,
      metadata ? 'deleted' as deleted
    from messages where tenant_id = ${tenantId} and id = any(${arrayOf(ids)}::uuid[])`)
  return new Map(rows.map(row => [row.id, row]))
}

type Sent = Pick<NewEntry, 'conversationId' | 'clientId' | 'sender'>

/** Which of these were stored before, by their place in the list. */
export async function readKnown(
  tx: Transaction,
  tenantId: string,
  sent: readonly Sent[],
): Promise<Map<number, StoredEntry>> {
  const list = sent.map(({ conversationId, clientId, sender }, ordinal) => ({
    ordinal,
    conversationId,
    clientId,
    senderId: sender.id,
  }))
  const { rows } = await tx.sql.execute<StoredRow>(sql`
    select d.ordinal, m.id, m.seq, m.public_seq as "publicSeq", m.created_at as "createdAt", true as repeated
    from jsonb_to_recordset(${JSON.stringify(list)}::jsonb)
      as d(ordinal int, "conversationId" uuid, "clientId" text, "senderId" uuid)
    join messages m on m.tenant_id = ${tenantId} and m.conversation_id = d."conversationId"
      and m.sender_id = d."senderId" and m.client_id = d."clientId"`)
  return new Map(rows.map(row => [row.ordinal ?? 0, toStored(row)]))
}

type StoredRow = {
  ordinal: number | null
  id: string
  seq: string
  publicSeq: string | null
  createdAt: string | Date
  repeated: boolean
}

const toStored = (row: StoredRow): StoredEntry => ({
  id: row.id,
  seq: Number(row.seq),
  publicSeq: row.publicSeq === null ? null : Number(row.publicSeq),
  createdAt: new Date(row.createdAt).toISOString(),
  repeated: row.repeated,
})

/**
 * Appends entries to conversations that this transaction has locked, in the order given (L1, L2). A statement of its own, because its view
 * of the data has to begin after the locks were granted: only then does it see what the previous holder wrote.
 *
 * - `known`: sent before; keeps its position and takes no new one. Looked up one by one, in the order of the one index that
 *   answers in a single step: of those that begin alike the planner may take one that walks through the whole conversation.
 * - `placed`: the next positions without a hole, and for public entries those of what visitors see.
 * - `grown`: visitors are shown when something was said last, so a note does not count.
 *
 * What is new comes back without an ordinal, to be found by its id.
 */
export const insertStatement = {
  name: 'parley_log_insert',
  text: `
    with draft as (
      select * from jsonb_to_recordset($2::jsonb) as d(ordinal int, id uuid, "conversationId" uuid,
        "clientId" text, "senderKind" text, "senderId" uuid, role text, type text, parts jsonb, text text, "parentId" uuid,
        public boolean, metadata jsonb)
    ), known as (
      select d.ordinal, m.* from draft d cross join lateral (
        select id, seq, public_seq, created_at from messages where tenant_id = $1 and conversation_id = d."conversationId"
          and (sender_id, client_id) >= (d."senderId", d."clientId") and (sender_id, client_id) <= (d."senderId", d."clientId")
        order by sender_id, client_id limit 1
      ) m
    ), placed as (
      select d.*,
        c.seq + row_number() over w as seq,
        c.public_seq + sum(d.public::int) over w as public_seq
      from draft d cross join lateral (
        select seq, public_seq from conversations where tenant_id = $1 and id = d."conversationId" limit 1
      ) c
      where d.ordinal not in (select ordinal from known)
      window w as (partition by d."conversationId" order by d.ordinal rows unbounded preceding)
    ), inserted as (
      insert into messages (tenant_id, id, conversation_id, seq, public_seq, role, type, parts, text, parent_id,
        sender_kind, sender_id, client_id, metadata)
      select $1, id, "conversationId", seq, case when public then public_seq end, role, type, parts, text, "parentId",
        "senderKind", "senderId", "clientId", metadata from placed
      returning id, seq, public_seq, created_at
    ), grown as (
      update conversations c set seq = p.seq, public_seq = p.public_seq, updated_at = now(),
        last_message_at = case when p.visible then now() else c.last_message_at end
      from (select "conversationId", max(seq) as seq, max(public_seq) as public_seq, bool_or(public) as visible
        from placed group by 1) p
      where c.tenant_id = $1 and c.id = p."conversationId"
    )
    select null::int as ordinal, id, seq, public_seq as "publicSeq", created_at as "createdAt", false as repeated from inserted
    union all
    select ordinal, id, seq, public_seq, created_at, true from known`,
}

/** As the statement takes them. */
export const draftsOf = (entries: readonly NewEntry[]): string =>
  JSON.stringify(
    entries.map(({ sender, ...entry }, ordinal) => ({
      ...entry,
      ordinal,
      senderKind: sender.kind,
      senderId: sender.id,
      metadata: entry.metadata ?? {},
    })),
  )

export async function insertEntries(
  tx: Transaction,
  tenantId: string,
  entries: readonly NewEntry[],
): Promise<StoredEntry[]> {
  const rows = await tx.prepared<StoredRow>(insertStatement, [tenantId, draftsOf(entries)])
  const places = new Map(entries.map(({ id }, place) => [id, place]))
  const stored: StoredEntry[] = []
  for (const row of rows) {
    const place = row.ordinal ?? places.get(row.id)
    if (place !== undefined) stored[place] = toStored(row)
  }
  return stored
}

/** What is taken back loses its content in the same moment, and so do its edits, which hold it too. */
export async function blankEntries(
  tx: Transaction,
  tenantId: string,
  deletions: readonly Pick<NewEntry, 'conversationId' | 'parentId'>[],
): Promise<void> {
  const gone = deletions.map(({ conversationId, parentId }) => ({ conversationId, id: parentId }))
  await tx.sql.execute(sql`
    update messages m set parts = '[]', text = '', metadata = m.metadata || '{"deleted": true}', updated_at = now()
    from jsonb_to_recordset(${JSON.stringify(gone)}::jsonb) as gone(id uuid, "conversationId" uuid)
    where m.tenant_id = ${tenantId} and m.conversation_id = gone."conversationId"
      and (m.id = gone.id or m.type = 'edit' and m.parent_id = gone.id)`)
}

/** One parameter for a whole list. */
const arrayOf = (ids: readonly string[]): string => `{${ids.join(',')}}`
