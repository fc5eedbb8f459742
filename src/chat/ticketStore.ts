import { and, eq, inArray, isNull, lt, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { joinTickets } from './schema.ts'

type TicketValues = Pick<
  typeof joinTickets.$inferInsert,
  'id' | 'conversationId' | 'guestId' | 'issuedBy' | 'expiresAt'
>

export const insertTicket = (tx: Transaction, { tenantId }: Scope, values: TicketValues) =>
  tx.sql.insert(joinTickets).values({ ...values, tenantId })

/** Of a guest of a conversation. */
export interface Guest {
  readonly conversationId: string
  readonly guestId: string
}

/** Whether this ticket was issued to this guest, and not taken back. */
export async function isGood(tx: Transaction, scope: Scope, id: string, guest: Guest): Promise<boolean> {
  const rows = await tx.sql
    .select({ id: joinTickets.id })
    .from(joinTickets)
    .where(and(eq(joinTickets.id, id), ofGuest(scope, guest), isNull(joinTickets.revokedAt)))
  return rows.length > 0
}

/**
 * Of these guests, whether one of their tickets was not taken back. Those who have none here are not named. What has just expired is still
 * counted: that a time is over is told by the connection that has it.
 */
export const guestStandings = (tx: Transaction, scope: Scope, guestIds: readonly string[]) =>
  tx.sql
    .select({
      conversationId: joinTickets.conversationId,
      guestId: joinTickets.guestId,
      welcome: sql<boolean>`bool_or(${joinTickets.revokedAt} is null
        and ${joinTickets.expiresAt} > now() - interval '1 minute')`,
    })
    .from(joinTickets)
    .where(and(eq(joinTickets.tenantId, scope.tenantId), inArray(joinTickets.guestId, [...guestIds])))
    .groupBy(joinTickets.conversationId, joinTickets.guestId)

export const ticketsOf = (tx: Transaction, scope: Scope, guest: Guest) =>
  tx.sql.select({ revokedAt: joinTickets.revokedAt }).from(joinTickets).where(ofGuest(scope, guest))

/** The tickets of a guest that were good until now. */
export const revokeTicketsOf = (tx: Transaction, scope: Scope, guest: Guest) =>
  tx.sql
    .update(joinTickets)
    .set({ revokedAt: sql`now()` })
    .where(and(ofGuest(scope, guest), isNull(joinTickets.revokedAt)))
    .returning({ id: joinTickets.id })

export const revokeTicketsBy = (tx: Transaction, { tenantId }: Scope, issuerId: string) =>
  tx.sql
    .update(joinTickets)
    .set({ revokedAt: sql`now()` })
    .where(
      and(
        eq(joinTickets.tenantId, tenantId),
        eq(joinTickets.issuedBy, issuerId),
        isNull(joinTickets.revokedAt),
      ),
    )

export const removeOldTickets = (tx: Transaction, { tenantId }: Scope) =>
  tx.sql
    .delete(joinTickets)
    .where(and(eq(joinTickets.tenantId, tenantId), lt(joinTickets.expiresAt, sql`now() - interval '1 day'`)))

const ofGuest = ({ tenantId }: Scope, { conversationId, guestId }: Guest) =>
  and(
    eq(joinTickets.tenantId, tenantId),
    eq(joinTickets.conversationId, conversationId),
    eq(joinTickets.guestId, guestId),
  )
