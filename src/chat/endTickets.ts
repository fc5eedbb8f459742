import type { Transaction } from '../db/index.ts'
import { type EventWithin, notFound, type Scope } from '../kernel/index.ts'
import { type Guest, removeOldTickets, revokeTicketsBy, revokeTicketsOf, ticketsOf } from './ticketStore.ts'

/** Takes back every ticket of a guest; whoever came in by one is cut off. A repeat changes nothing. */
export async function removeGuest(scope: Scope, tx: Transaction, guest: Guest): Promise<void> {
  const revoked = await revokeTicketsOf(tx, scope, guest)
  if (revoked.length === 0) {
    if ((await ticketsOf(tx, scope, guest)).length === 0) throw notFound('guest')
    return
  }
  await tx.emit({
    type: 'changed',
    action: 'conversation.guest_removed',
    resourceType: 'conversation',
    resourceId: guest.conversationId,
    oldValues: { guestId: guest.guestId },
    newValues: null,
  })
}

/** What somebody gave out who may not any more lets nobody in, in the same transaction. */
export async function endTickets(scope: Scope, tx: Transaction, event: EventWithin): Promise<void> {
  if (event.type === 'member.leaves') await revokeTicketsBy(tx, scope, event.memberId)
  if (event.type === 'changed' && event.action === 'key.revoked')
    await revokeTicketsBy(tx, scope, event.resourceId)
}

/** A ticket that has expired lets nobody in anyway. */
export async function forgetOldTickets(scope: Scope, tx: Transaction): Promise<void> {
  await removeOldTickets(tx, scope)
}
