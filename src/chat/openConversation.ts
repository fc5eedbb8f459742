import { contactOf } from '../contacts/index.ts'
import type { Database, Transaction } from '../db/index.ts'
import { TokenBuckets } from '../gateway/index.ts'
import { ParleyError, type Scope } from '../kernel/index.ts'
import type { ConversationState, Mark } from '../protocol/index.ts'
import { type Sender, senderOf, speakerIn, viewOf } from './access.ts'
import { type Greeting, greet } from './greet.ts'
import { marksOf } from './marksStore.ts'
import { type Page, readHistory } from './readHistory.ts'
import { ensureConversation } from './store.ts'
import { stateFor } from './views.ts'

export interface Opened extends Page {
  readonly conversation: ConversationState
  readonly marks: Mark[]
  readonly self?: Sender
}

interface Wanted {
  readonly conversationId?: string | undefined
  readonly clientId?: string | undefined
  readonly after?: number | undefined
  readonly limit?: number | undefined
}

/** For each visitor, on one node: this many conversations at once, and one a minute for long. */
export const countBeginnings = (): Beginnings => new TokenBuckets(1 / 60, 100)
type Beginnings = TokenBuckets<string>

/** The conversation that a visitor begins; the same for the same client id, however often it is asked for. */
export async function beginConversation(
  db: Database,
  scope: Scope,
  {
    clientId,
    greeting,
  }: { readonly clientId?: string | undefined; readonly greeting?: Greeting | undefined },
  beginnings: Beginnings,
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
    const { contactId, widgetId } = actor
    const begun = { contactId, widgetId, channelConversationId: `${contactId}:${clientId}` }
    const { id, made } = await ensureConversation(tx, scope, begun, () => {
      const wait = beginnings.take(contactId)
      if (wait > 0)
        throw new ParleyError('rate_limited', 'So many conversations cannot be begun at once.', {
          retryAfter: Math.ceil(wait),
        })
    })
    if (made && greeting) await greet(scope, tx, { conversationId: id, widgetId }, greeting)
    return id
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
  const sender = senderOf(scope)
  const self = speakerIn(conversation, sender)
  return {
    ...page,
    conversation: stateFor(view, conversation),
    marks: await marksOf(tx, scope, view, wanted.conversationId),
    ...(self === sender ? {} : { self }),
  }
}
