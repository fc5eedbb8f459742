import type { Transaction } from '../db/index.ts'
import { difference, found, type Scope } from '../kernel/index.ts'
import type { ConversationPatch } from '../protocol/index.ts'
import { type ConversationValues, changeConversation, lockConversation } from './store.ts'

/** Changes what the team notes about a conversation. Who answers it, and until when, is not decided here. */
export async function updateConversation(
  scope: Scope,
  tx: Transaction,
  id: string,
  { archived, ...patch }: ConversationPatch,
) {
  const before = found(await lockConversation(tx, scope, id), 'conversation')
  const values = { ...patch, ...(archived === undefined ? {} : archivedAs(archived, before)) }
  const { changed, ...change } = difference(before, { ...before, ...values })
  if (!changed) return before
  const after = found((await changeConversation(tx, scope, id, values))[0], 'conversation')
  await tx.emit({
    ...{ type: 'changed', action: 'conversation.updated', resourceType: 'conversation', resourceId: id },
    ...change,
  })
  await tx.emit({ type: 'conversation.changed', conversationId: id })
  return after
}

/** To an archived conversation nothing can be added, and no list shows it. */
const archivedAs = (
  archived: boolean,
  before: { readonly archived: boolean; readonly owner: string; readonly resolvedAt: Date | null },
): ConversationValues => {
  if (archived === before.archived) return {}
  if (archived) return { archived, status: 'archived' }
  if (before.resolvedAt) return { archived, status: 'resolved' }
  return { archived, status: before.owner === 'queue' ? 'waiting' : 'active' }
}
