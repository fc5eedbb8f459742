import { contactOf } from '../contacts/index.ts'
import type { Database, Transaction } from '../db/index.ts'
import { ParleyError, type Scope } from '../kernel/index.ts'
import type { ConversationState, Mark } from '../protocol/index.ts'
import { viewOf } from './access.ts'
import { marksOf } from './marksStore.ts'
import { type Page, readHistory } from './readHistory.ts'
import { ensureConversation } from './store.ts'
import { stateFor } from './views.ts'

export interface Opened extends Page {
  readonly conversation: ConversationState
  readonly marks: Mark[]
}

interface Wanted {
  readonly conversationId?: string | undefined
  readonly clientId?: string | undefined
  readonly after?: number | undefined
  readonly limit?: number | undefined
}

/** The conversation that a visitor begins; the same for the same client id, however often it is asked for. */
export async function beginConversation(
  db: Database,
  scope: Scope,
  clientId: string | undefined,
): Promise<string> {
  const { actor } = scope
  if (actor.kind !== 'visitor') {
    throw new ParleyError('invalid_request', undefined, {
      faults: [{ path: 'conversationId', message: 'is required' }],
    })
  }
  if (clientId === undefined) {
    throw new ParleyError('invalid_request', undefined, {
      faults: [{ path: 'clientId', message: 'is required to begin a conversation' }],
    })
  }
  return db.scoped(scope, async tx => {
    // A visitor who says nothing leaves no row.
    await contactOf(tx, scope, actor.contactId)
    return ensureConversation(tx, scope, {
      contactId: actor.contactId,
      widgetId: actor.widgetId,
      channelConversationId: `${actor.contactId}:${clientId}`,
    })
  })
}

/** What someone who enters a conversation needs to show it, from the position they have. */
export async function openConversation(
  tx: Transaction,
  scope: Scope,
  wanted: Wanted & { readonly conversationId: string },
): Promise<Opened> {
  const { conversation, ...page } = await readHistory(tx, scope, wanted)
  const view = viewOf(scope)
  return {
    ...page,
    conversation: stateFor(view, conversation),
    marks: await marksOf(tx, scope, view, wanted.conversationId),
  }
}
