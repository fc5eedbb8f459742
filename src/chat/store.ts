import { and, asc, desc, eq, getTableColumns, gt, inArray, isNotNull, lt, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { channels, conversationStatuses } from '../protocol/index.ts'
import { tenants } from '../tenancy/schema.ts'
import type { View } from './access.ts'
import { conversations, messages } from './schema.ts'

export interface ConversationFilter {
  readonly limit: number
  readonly after: string | undefined
  readonly status?: (typeof conversationStatuses)[number] | undefined
  readonly channel?: (typeof channels)[number] | undefined
  readonly contactId?: string | undefined
  readonly assignedMemberId?: string | undefined
}

export const listConversations = (tx: Transaction, scope: Scope, filter: ConversationFilter) =>
  tx.sql
    .select()
    .from(conversations)
    .where(
      and(
        eq(conversations.tenantId, scope.tenantId),
        filter.after === undefined ? undefined : lt(conversations.id, filter.after),
        filter.status === undefined ? undefined : eq(conversations.status, filter.status),
        filter.channel === undefined ? undefined : eq(conversations.channel, filter.channel),
        filter.contactId === undefined ? undefined : eq(conversations.contactId, filter.contactId),
        filter.assignedMemberId === undefined
          ? undefined
          : eq(conversations.assignedMemberId, filter.assignedMemberId),
      ),
    )
    .orderBy(desc(conversations.id))
    .limit(filter.limit + 1)

export async function readConversation(tx: Transaction, scope: Scope, id: string) {
  const [row] = await tx.sql
    .select()
    .from(conversations)
    .where(and(eq(conversations.tenantId, scope.tenantId), eq(conversations.id, id)))
  return row
}

export const readConversations = (tx: Transaction, scope: Scope, ids: readonly string[]) =>
  tx.sql.select().from(conversations).where(ofThese(scope, ids))

/** One parameter, however many they are. */
const ofThese = (scope: Scope, ids: readonly string[]) =>
  and(
    eq(conversations.tenantId, scope.tenantId),
    sql`${conversations.id} = any(${`{${ids.join(',')}}`}::uuid[])`,
  )

/** Of these, those whose title, status or other property was changed within a time that ends now, by the clock of the database. */
export async function changedSince(
  tx: Transaction,
  scope: Scope,
  ids: readonly string[],
  withinMs: number,
): Promise<string[]> {
  const lately = sql`now() - make_interval(secs => ${withinMs / 1000})`
  const rows = await tx.sql
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(ofThese(scope, ids), gt(conversations.changedAt, lately)))
  return rows.map(({ id }) => id)
}

/**
 * So much has one page, as it is sent: whoever asks for many large messages at once gets fewer of them, and asks again. The
 * first message of a page comes whatever its size.
 */
const pageBytes = 256 * 1024

/** The log after a position, in order; or, without one, what comes before, backwards. Counted the way the view does. */
export const readPage = async (
  tx: Transaction,
  scope: Scope,
  view: View,
  page: {
    readonly conversationId: string
    readonly after?: number | undefined
    readonly before?: number | undefined
    readonly limit: number
  },
) => {
  const position = view === 'all' ? messages.seq : messages.publicSeq
  const direction = page.after === undefined ? sql`desc` : sql`asc`
  const rows = tx.sql
    .select({
      ...getTableColumns(messages),
      // In the order of the index: what is beyond the limit is not summed up. The length of a text is known without reading it, so
      // that of many large messages only those are read which may fit.
      before: sql<string>`coalesce(sum(octet_length(${messages.text})) over (order by ${position} ${direction}
        rows between unbounded preceding and 1 preceding), 0)`.as('before'),
    })
    .from(messages)
    .where(
      and(
        eq(messages.tenantId, scope.tenantId),
        eq(messages.conversationId, page.conversationId),
        view === 'all' ? undefined : isNotNull(messages.publicSeq),
        page.after === undefined ? undefined : gt(position, page.after),
        page.before === undefined ? undefined : lt(position, page.before),
      ),
    )
    .orderBy(page.after === undefined ? desc(position) : asc(position))
    .limit(page.limit)
    .as('rows')
  const read = await tx.sql
    .select({
      ...rows._.selectedFields,
      // Sent are both, and what JSON escapes is longer there.
      size: sql<number>`octet_length(${rows.parts}::text) + octet_length(to_json(${rows.text})::text)`,
    })
    .from(rows)
    .where(lt(rows.before, String(pageBytes)))
    .orderBy(page.after === undefined ? desc(rows.seq) : asc(rows.seq))
  let bytes = 0
  return read.flatMap(({ before: _before, size, ...row }, at) => {
    bytes += size
    return at === 0 || bytes <= pageBytes ? [row] : []
  })
}

export async function lockConversation(tx: Transaction, scope: Scope, id: string) {
  const [row] = await tx.sql
    .select()
    .from(conversations)
    .where(ofThese(scope, [id]))
    .for('update')
  return row
}

export type ConversationValues = Partial<
  Pick<typeof conversations.$inferInsert, 'title' | 'priority' | 'tags' | 'archived' | 'status'>
>

/** By the clock of the database, by which others look for what has changed. */
export const changeConversation = (tx: Transaction, scope: Scope, id: string, values: ConversationValues) =>
  tx.sql
    .update(conversations)
    .set({ ...values, changedAt: sql`now()`, updatedAt: sql`now()` })
    .where(ofThese(scope, [id]))
    .returning()

export const insertConversation = (tx: Transaction, values: typeof conversations.$inferInsert) =>
  tx.sql.insert(conversations).values(values).returning()

export const insertMessages = (tx: Transaction, rows: (typeof messages.$inferInsert)[]) =>
  tx.sql.insert(messages).values(rows)

/** Finds or makes the conversation that a visitor began under this name; begun twice at once, it is still one. */
export async function ensureConversation(
  tx: Transaction,
  scope: Scope,
  begun: { readonly contactId: string; readonly widgetId: string; readonly channelConversationId: string },
  /** Throws when no more may be made. */
  mayBegin: () => void,
): Promise<{ readonly id: string; readonly made: boolean }> {
  const named = and(
    eq(conversations.tenantId, scope.tenantId),
    eq(conversations.channel, 'widget'),
    eq(conversations.channelConversationId, begun.channelConversationId),
  )
  const [known] = await tx.sql.select({ id: conversations.id }).from(conversations).where(named)
  if (known) return { ...known, made: false }
  mayBegin()
  const [made] = await tx.sql
    .insert(conversations)
    .values({
      ...begun,
      tenantId: scope.tenantId,
      channel: 'widget',
      agentId: answeringIn(scope, begun.widgetId),
    })
    .onConflictDoNothing()
    .returning({ id: conversations.id })
  if (made) return { ...made, made: true }
  const [other] = await tx.sql.select({ id: conversations.id }).from(conversations).where(named)
  if (!other) throw new Error('the conversation is neither there nor can be made')
  return { ...other, made: false }
}

/** The agent of a widget, where it answers: what is not published or is paused leaves conversations that begin meanwhile to people. */
const answeringIn = ({ tenantId }: Scope, widgetId: string) => sql`(
  select a.id from widgets w join agents a on a.tenant_id = w.tenant_id and a.id = w.agent_id
  where w.tenant_id = ${tenantId} and w.id = ${widgetId} and a.published and a.status = 'active')`

export interface Heads {
  readonly id: string
  readonly seq: number
  readonly publicSeq: number
}

/** Where the logs of these conversations end. */
export const readHeads = (tx: Transaction, scope: Scope, ids: readonly string[]): Promise<Heads[]> =>
  tx.sql
    .select({ id: conversations.id, seq: conversations.seq, publicSeq: conversations.publicSeq })
    .from(conversations)
    .where(ofThese(scope, ids))

/** Of these conversations, those that exist, and whether their workspace is open. */
export const conversationStandings = (tx: Transaction, scope: Scope, ids: readonly string[]) =>
  tx.sql
    .select({ id: conversations.id, tenantStatus: tenants.status })
    .from(conversations)
    .innerJoin(tenants, eq(tenants.id, conversations.tenantId))
    .where(and(eq(conversations.tenantId, scope.tenantId), inArray(conversations.id, [...ids])))

/**
 * Gives the conversations of one contact to another one. Locked in the order of their ids, as the log does it. The name under which a browser
 * opens one moves along, unless the other contact has a conversation of that name: then that is the one it means from now on.
 */
export async function moveConversations(
  tx: Transaction,
  scope: Scope,
  { contactId, successorId }: { readonly contactId: string; readonly successorId: string },
): Promise<string[]> {
  const { tenantId } = scope
  const { rows } = await tx.sql.execute<{ id: string }>(sql`
    select id from conversations where tenant_id = ${tenantId} and contact_id = ${contactId} order by id for update`)
  const ids = rows.map(({ id }) => id)
  if (ids.length === 0) return ids
  const renamed = sql`${successorId}::text || substr(c.channel_conversation_id, 37)`
  await tx.sql.execute(sql`
    update conversations c set contact_id = ${successorId}, speaker_id = coalesce(c.speaker_id, c.contact_id),
      changed_at = now(), updated_at = now(),
      channel_conversation_id = case
        when c.channel = 'widget' and starts_with(c.channel_conversation_id, ${`${contactId}:`}) and not exists (
          select from conversations taken where taken.tenant_id = ${tenantId} and taken.channel = 'widget'
            and taken.channel_conversation_id = ${renamed}) then ${renamed}
        else c.channel_conversation_id end
    where c.tenant_id = ${tenantId} and c.id = any(${`{${ids.join(',')}}`}::uuid[])`)
  return ids
}

/** In everybody's order, and locked: what they are found to be they stay until the end. */
export async function conversationsHeldBy(
  tx: Transaction,
  { tenantId }: Scope,
  memberId: string,
): Promise<{ id: string; archived: boolean }[]> {
  const { rows } = await tx.sql.execute<{ id: string; archived: boolean }>(sql`
    select id, status = 'archived' as archived from conversations
    where tenant_id = ${tenantId} and assigned_member_id = ${memberId} and owner = 'member' order by id for update`)
  return rows
}

/** The key would clear the reference by itself, and nobody would know of the change. */
export async function releaseConversations(
  tx: Transaction,
  { tenantId }: Scope,
  contactId: string,
): Promise<string[]> {
  const { rows } = await tx.sql.execute<{ id: string }>(sql`
    with theirs as (
      select id from conversations where tenant_id = ${tenantId} and contact_id = ${contactId} order by id for update
    )
    update conversations c set contact_id = null, changed_at = now(), updated_at = now() from theirs
    where c.tenant_id = ${tenantId} and c.id = theirs.id returning c.id`)
  return rows.map(({ id }) => id)
}
