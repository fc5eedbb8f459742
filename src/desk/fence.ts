import type { LockedConversation } from '../chat/index.ts'
import { ParleyError, type Scope } from '../kernel/index.ts'

/** What a member does to a conversation that they have seen at an epoch. */
export interface Fenced {
  readonly conversationId: string
  readonly clientId: string
  readonly epoch: number
}

/** Keys are programs: they answer through the API, and own nothing. */
export function memberOf({ actor }: Scope): string {
  if (actor.kind !== 'member') throw new ParleyError('forbidden', 'Only members take conversations.')
  return actor.memberId
}

/** Decided on what is no more, it is not done (L7). */
export function requireEpoch({ epoch }: Fenced, conversation: LockedConversation): void {
  if (conversation.epoch !== epoch)
    throw new ParleyError('conflict', 'The conversation has moved on; look at it again.')
}

export function requireHeld(memberId: string, fenced: Fenced, conversation: LockedConversation): void {
  requireEpoch(fenced, conversation)
  if (conversation.owner !== 'member' || conversation.assignedMemberId !== memberId)
    throw new ParleyError('conflict', 'You do not have this conversation.')
}
