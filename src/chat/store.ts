import { and, asc, count, desc, eq, getTableColumns, gt, inArray, isNotNull, lt, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { channels, conversationStatuses } from '../protocol/index.ts'
import { tenants } from '../tenancy/schema.ts'
import type { View } from './access.ts'
import { conversations, files, messages } from './schema.ts'

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

/**
 * So much text has one page: whoever asks for many large messages at once gets fewer of them, and asks again. The first
 * message of a page comes whatever its size.
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
      // In the order of the index: what is beyond the limit is not summed up.
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
  const fitting = await tx.sql
    .select()
    .from(rows)
    .where(lt(rows.before, String(pageBytes)))
    .orderBy(page.after === undefined ? desc(rows.seq) : asc(rows.seq))
  return fitting.map(({ before: _before, ...row }) => row)
}

export const insertConversation = (tx: Transaction, values: typeof conversations.$inferInsert) =>
  tx.sql.insert(conversations).values(values).returning()

export const insertMessages = (tx: Transaction, rows: (typeof messages.$inferInsert)[]) =>
  tx.sql.insert(messages).values(rows)

/** Finds or makes the conversation that a visitor began under this name; begun twice at once, it is still one. */
export async function ensureConversation(
  tx: Transaction,
  scope: Scope,
  begun: { readonly contactId: string; readonly widgetId: string; readonly channelConversationId: string },
): Promise<string> {
  const named = and(
    eq(conversations.tenantId, scope.tenantId),
    eq(conversations.channel, 'widget'),
    eq(conversations.channelConversationId, begun.channelConversationId),
  )
  const [known] = await tx.sql.select({ id: conversations.id }).from(conversations).where(named)
  if (known) return known.id
  const [made] = await tx.sql
    .insert(conversations)
    .values({ ...begun, tenantId: scope.tenantId, channel: 'widget' })
    .onConflictDoNothing()
    .returning({ id: conversations.id })
  if (made) return made.id
  const [other] = await tx.sql.select({ id: conversations.id }).from(conversations).where(named)
  if (!other) throw new Error('the conversation is neither there nor can be made')
  return other.id
}

export async function countFiles(
  tx: Transaction,
  scope: Scope,
  conversationId: string,
  ids: readonly string[],
): Promise<number> {
  const [row] = await tx.sql
    .select({ known: count() })
    .from(files)
    .where(
      and(
        eq(files.tenantId, scope.tenantId),
        eq(files.conversationId, conversationId),
        inArray(files.id, [...ids]),
      ),
    )
  return row?.known ?? 0
}

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
    .where(
      and(
        eq(conversations.tenantId, scope.tenantId),
        sql`${conversations.id} = any(${`{${ids.join(',')}}`}::uuid[])`,
      ),
    )

/** Of these conversations, those that exist, and whether their workspace is open. */
export const conversationStandings = (tx: Transaction, scope: Scope, ids: readonly string[]) =>
  tx.sql
    .select({ id: conversations.id, tenantStatus: tenants.status })
    .from(conversations)
    .innerJoin(tenants, eq(tenants.id, conversations.tenantId))
    .where(and(eq(conversations.tenantId, scope.tenantId), inArray(conversations.id, [...ids])))
