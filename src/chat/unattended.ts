import type { Transaction } from '../db/index.ts'
import { type HandOver, systemScope } from '../kernel/index.ts'
import { briefWith } from './brief.ts'
import type { Draft } from './draft.ts'
import type { LockedConversation } from './logStore.ts'

/** What wants an answer: an edit or a deletion does not. */
export const asks = ({ role, type }: Draft): boolean =>
  role === 'user' && type !== 'edit' && type !== 'delete'

/** Whether it may come upon a conversation that nobody answers; `moving`: others come along that may leave it so. */
export const mayCallPeople = (
  draft: Draft,
  conversation: LockedConversation | undefined,
  moving: boolean,
): boolean => asks(draft) && conversation?.agentId === null && (conversation.owner === 'ai' || moving)

/**
 * What a visitor asks where there is no agent calls people by itself: the entry moves its conversation into the queue, so that at no moment
 * nobody is to answer it (L8).
 */
export const callingPeople = (tenantId: string, draft: Draft, conversation: LockedConversation): Draft =>
  mayCallPeople(draft, conversation, false)
    ? {
        ...draft,
        ownership: {
          ...{ owner: 'queue', assignedMemberId: null, status: 'waiting' },
          by: systemScope(tenantId, 'log'),
        },
      }
    : draft

/** Why people are called, and what they should know; undefined where nobody calls. */
export async function callOf(
  tx: Transaction,
  tenantId: string,
  conversation: LockedConversation,
  { role, text, ownership }: Draft,
): Promise<HandOver | undefined> {
  // What moves by being asked carries no reason of its own.
  const asking = role === 'user' ? text : undefined
  const why =
    asking === undefined
      ? ownership?.handOver
      : ({ reason: 'no_agent', detail: '', priority: 0, runId: null } as const)
  return why && { ...why, brief: await briefWith(tx, systemScope(tenantId, 'log'), conversation, asking) }
}
