import { sql } from 'drizzle-orm'
import type { Ask, Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type {
  conversationStatuses,
  Entry,
  messageRoles,
  messageTypes,
  owners,
  senderKinds,
} from '../protocol/index.ts'
import { dropFiles, filesOf } from './openFilesStore.ts'

/** What a new entry is refused or allowed by: its conversation as it is under the lock. */
export interface LockedConversation {
  readonly id: string
  readonly kind: string
  readonly status: (typeof conversationStatuses)[number]
  readonly contactId: string | null
  readonly speakerId: string | null
  readonly agentId: string | null
  readonly owner: (typeof owners)[number]
  readonly assignedMemberId: string | null
  readonly epoch: number
  readonly askedSeq: number
  readonly answeredSeq: number
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
  /** Up to where this answers what visitors have asked, or all that stands before it (L8). */
  readonly answers?: number | 'all' | undefined
  /** It ends the conversation, until a visitor asks again. */
  readonly resolves?: boolean | undefined
  /** Of what a model wrote. */
  readonly model?: string | undefined
  readonly provider?: string | undefined
  readonly finishReason?: string | undefined
  readonly promptTokens?: number | undefined
  readonly completionTokens?: number | undefined
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
    select id, kind, status, contact_id as "contactId", speaker_id as "speakerId", agent_id as "agentId", owner,
      assigned_member_id as "assignedMemberId", epoch, asked_seq::float8 as "askedSeq", answered_seq::float8 as "answeredSeq"
    from conversations
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

/** One conversation, where all that follows the lock is known before it is granted. */
export const lockAlone = ({ tenantId }: Scope, id: string): Ask<LockedConversation> => ({
  statement: lockStatement,
  values: [tenantId, arrayOf([id])],
})

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
 * - `grown`: visitors are shown when something was said last, so a note does not count; what they ask is due until it is answered, and opens
 *   what was resolved before it: `active` is proposed then, and taken by what stands resolved. All of these conversations are there; as a
 *   conflict each is found by its key, where the planner may join an update with the whole tenant.
 *
 * What is new comes back without an ordinal, to be found by its id.
 */
export const insertStatement = {
  name: 'parley_log_insert',
  text: `
    with draft as (
      select * from jsonb_to_recordset($2::jsonb) as d(ordinal int, id uuid, "conversationId" uuid,
        "clientId" text, "senderKind" text, "senderId" uuid, role text, type text, parts jsonb, text text, "parentId" uuid,
        public boolean, answers int8, "answersAll" boolean, resolves boolean, model text, provider text, "finishReason" text, "promptTokens" int,
        "completionTokens" int, metadata jsonb)
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
        sender_kind, sender_id, client_id, model, provider, finish_reason, prompt_tokens, completion_tokens, metadata)
      select $1, id, "conversationId", seq, case when public then public_seq end, role, type, parts, text, "parentId",
        "senderKind", "senderId", "clientId", model, provider, "finishReason", "promptTokens", "completionTokens", metadata
      from placed
      returning id, seq, public_seq, created_at
    ), grown as (
      insert into conversations as c (tenant_id, id, seq, public_seq, last_message_at, asked_seq, answered_seq, status)
      select $1, "conversationId", max(seq), max(public_seq), case when bool_or(public) then now() end,
        coalesce(max(seq) filter (where role = 'user' and type not in ('edit', 'delete')), 0),
        coalesce(max(case when "answersAll" then seq else answers end), 0),
        case when max(seq) filter (where role = 'user' and type not in ('edit', 'delete'))
          > coalesce(max(seq) filter (where resolves), 0) then 'active' else 'resolved' end
      from placed group by 2
      on conflict (tenant_id, id) do update set seq = excluded.seq, public_seq = excluded.public_seq, updated_at = now(),
        last_message_at = coalesce(excluded.last_message_at, c.last_message_at),
        asked_seq = greatest(c.asked_seq, excluded.asked_seq), answered_seq = greatest(c.answered_seq, excluded.answered_seq),
        status = case when c.status = 'resolved' then excluded.status else c.status end,
        resolved_at = case when excluded.status = 'active' then null else c.resolved_at end,
        changed_at = case when c.status = 'resolved' and excluded.status = 'active' then now() else c.changed_at end
    )
    select null::int as ordinal, id, seq, public_seq as "publicSeq", created_at as "createdAt", false as repeated from inserted
    union all
    select ordinal, id, seq, public_seq, created_at, true from known`,
}

/** As the statement takes them. */
export const draftsOf = (entries: readonly NewEntry[]): string =>
  JSON.stringify(
    entries.map(({ sender, answers, ...entry }, ordinal) => ({
      ...entry,
      ...(answers === 'all' ? { answersAll: true } : { answers }),
      ordinal,
      senderKind: sender.kind,
      senderId: sender.id,
      metadata: entry.metadata ?? {},
    })),
  )

/** Who answers from now on, of conversations that are locked. */
export async function changeOwners(
  tx: Transaction,
  tenantId: string,
  moved: readonly LockedConversation[],
): Promise<void> {
  await tx.sql.execute(sql`
    update conversations c set owner = d.owner, assigned_member_id = d."assignedMemberId", epoch = d.epoch, status = d.status,
      resolved_at = case when d.status = 'resolved' then now() end, changed_at = now(), updated_at = now()
    from jsonb_to_recordset(${JSON.stringify(moved)}::jsonb)
      as d(id uuid, owner text, "assignedMemberId" uuid, epoch int, status text)
    where c.tenant_id = ${tenantId} and c.id = d.id`)
}

/** With `last` the transaction ends with them, one round trip sooner. */
export async function insertEntries(
  tx: Transaction,
  tenantId: string,
  entries: readonly NewEntry[],
  { last }: { readonly last: boolean },
): Promise<StoredEntry[]> {
  const values = [tenantId, draftsOf(entries)]
  const rows = await (last
    ? tx.conclude<StoredRow>(insertStatement, values)
    : tx.prepared<StoredRow>(insertStatement, values))
  const places = new Map(entries.map(({ id }, place) => [id, place]))
  const stored: StoredEntry[] = []
  for (const row of rows) {
    const place = row.ordinal ?? places.get(row.id)
    if (place !== undefined) stored[place] = toStored(row)
  }
  return stored
}

/** What is taken back loses its content in the same moment, and so do its edits, which hold it too. Files that stood there alone go with it: returns which. */
export async function blankEntries(
  tx: Transaction,
  tenantId: string,
  deletions: readonly Pick<NewEntry, 'conversationId' | 'parentId'>[],
): Promise<string[]> {
  const list = deletions.map(({ conversationId, parentId }) => ({ conversationId, id: parentId }))
  const { rows } = await tx.sql.execute<{ parts: Entry['parts'] }>(sql`
    with gone as (
      select m.id, m.parts from messages m
      join jsonb_to_recordset(${JSON.stringify(list)}::jsonb) as d(id uuid, "conversationId" uuid)
        on m.conversation_id = d."conversationId" and (m.id = d.id or m.type = 'edit' and m.parent_id = d.id)
      where m.tenant_id = ${tenantId}
    ), blanked as (
      update messages m set parts = '[]', text = '', metadata = m.metadata || '{"deleted": true}', updated_at = now()
      from gone where m.tenant_id = ${tenantId} and m.id = gone.id
    )
    select parts from gone where parts @? '$[*].fileId'`)
  return dropFiles(
    tx,
    tenantId,
    rows.flatMap(({ parts }) => filesOf(parts)),
  )
}

/** One parameter for a whole list. */
const arrayOf = (ids: readonly string[]): string => `{${ids.join(',')}}`
