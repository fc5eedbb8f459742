import type { Transaction } from '../db/index.ts'
import { type EventWithin, newId, type Scope } from '../kernel/index.ts'
import type { Sender } from './access.ts'
import { conversationsWaitingFor } from './dueStore.ts'
import { moveDraft } from './moveConversation.ts'
import { conversationsHeldBy } from './store.ts'
import { storeGroup } from './storeGroup.ts'

/** Of one statement; who had more is told of in several. */
const atOnce = 200

/**
 * What a member has who is removed or suspended, and what an agent has not answered that is deleted, waits for somebody else, in the same
 * transaction: no conversation stays with somebody who cannot answer it. The member is locked, so nothing is claimed in their name meanwhile.
 */
export async function returnToQueue(scope: Scope, tx: Transaction, event: EventWithin): Promise<void> {
  if (event.type === 'member.leaves') {
    const held = await conversationsHeldBy(tx, scope, event.memberId)
    await putBack(scope, tx, { kind: 'member', id: event.memberId }, held)
  }
  if (event.type === 'agent.leaves') {
    const waiting = await conversationsWaitingFor(tx, scope, event.agentId)
    await putBack(scope, tx, { kind: 'agent', id: event.agentId }, waiting)
  }
}

async function putBack(
  scope: Scope,
  tx: Transaction,
  sender: Sender,
  held: readonly { readonly id: string; readonly archived: boolean }[],
): Promise<void> {
  for (let from = 0; from < held.length; from += atOnce) {
    const group = held
      .slice(from, from + atOnce)
      .map(({ id, archived }) => ({ draft: leaving(scope, sender, id, archived) }))
    await storeGroup(tx, scope.tenantId, group, { last: false })
  }
}

const leaving = (scope: Scope, sender: Sender, conversationId: string, archived: boolean) =>
  moveDraft(scope, {
    ...{ conversationId, clientId: newId(), sender },
    happening: {
      name: 'left',
      text: 'Whoever answered is not here any more. Another person will take over.',
    },
    ownership: { owner: 'queue', assignedMemberId: null, status: archived ? 'archived' : 'waiting' },
    // It was locked when it was found.
    guard: () => undefined,
  })
