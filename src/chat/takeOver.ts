import type { Transaction } from '../db/index.ts'
import type { EventWithin, Scope } from '../kernel/index.ts'
import { moveConversations, releaseConversations } from './store.ts'

/**
 * The conversations of a contact that was merged are its successor's, in the transaction of the merge. Their logs stay as they are, to the last
 * letter: in each of them the visitor goes on under the name that it began with (ADR 12).
 */
export async function takeOver(scope: Scope, tx: Transaction, event: EventWithin): Promise<void> {
  if (event.type !== 'contact.merged') return
  for (const conversationId of await moveConversations(tx, scope, event))
    await tx.emit({ type: 'conversation.changed', conversationId })
}

/** The conversations of a contact that is deleted are nobody's, which those who have them before them are told. */
export async function letGo(scope: Scope, tx: Transaction, event: EventWithin): Promise<void> {
  if (event.type !== 'contact.leaves') return
  for (const conversationId of await releaseConversations(tx, scope, event.contactId))
    await tx.emit({ type: 'conversation.changed', conversationId })
}
