import { ParleyError, type Scope } from '../kernel/index.ts'
import { requireEntry, type Sender, senderOf } from './access.ts'
import type { Draft, Ownership } from './draft.ts'
import type { ConversationLog } from './log.ts'
import type { LockedConversation, StoredEntry } from './logStore.ts'

/** What happened, as every client can show it. */
export interface Happening {
  readonly name: 'called_people' | 'claimed' | 'handed_back' | 'queued' | 'resolved' | 'left'
  readonly text: string
}

interface Move {
  readonly conversationId: string
  readonly clientId: string
  readonly happening: Happening
  readonly ownership: Ownership
  /** Throws what refuses it; sees the conversation under the lock. */
  readonly guard: (conversation: LockedConversation) => void
  /** Who moves it, where that is not the actor. */
  readonly sender?: Sender
  readonly answers?: number | 'all'
}

/** Gives a conversation to somebody else, with an entry that says so, and raises its epoch (L7). A repeat moves nothing (L2). */
export const moveConversation = (log: ConversationLog, scope: Scope, move: Move): Promise<StoredEntry> =>
  log.append(
    scope.tenantId,
    moveDraft(scope, {
      ...move,
      sender: move.sender ?? senderOf(scope),
      guard: conversation => {
        if (!move.sender) requireEntry(scope, conversation)
        if (conversation.status === 'archived')
          throw new ParleyError('conflict', 'The conversation is archived.')
        move.guard(conversation)
      },
    }),
  )

export const moveDraft = (scope: Scope, move: Move & { readonly sender: Sender }): Draft => ({
  ...{ conversationId: move.conversationId, clientId: move.clientId, sender: move.sender },
  ownership: { ...move.ownership, by: scope },
  ...{ role: 'system', type: 'system_event', public: true, parentId: null },
  parts: [{ type: 'event', name: move.happening.name }],
  ...{ text: move.happening.text, answers: move.answers, guard: move.guard },
})
