import type { Transaction } from '../db/index.ts'
import { difference } from '../kernel/index.ts'
import type { Draft } from './draft.ts'
import { changeOwners, type LockedConversation } from './logStore.ts'
import { asks, callOf } from './unattended.ts'

/** A conversation as an entry leaves it, for those that come after it in the same group. */
export function afterwards(conversation: LockedConversation, draft: Draft): LockedConversation {
  const answered = draft.answers === 'all' ? Number.MAX_SAFE_INTEGER : (draft.answers ?? 0)
  const answeredSeq = Math.max(conversation.answeredSeq, answered)
  return { ...opened(moved(conversation, draft), draft), answeredSeq }
}

/**
 * Whether an entry that moves nothing can leave a conversation differently for those that come after it in the same group; with `moves`, others
 * there may resolve it before. Where nothing is due, nothing waits for an answer that could come too late.
 */
export const changesChecks = (
  conversation: LockedConversation,
  draft: Draft,
  { moves }: { readonly moves: boolean },
): boolean =>
  (draft.answers !== undefined && conversation.answeredSeq < conversation.askedSeq) ||
  (asks(draft) && (moves || conversation.status === 'resolved'))

const moved = (conversation: LockedConversation, { ownership }: Draft): LockedConversation => {
  if (!ownership) return conversation
  const { owner, assignedMemberId, status } = ownership
  return { ...conversation, owner, assignedMemberId, status, epoch: conversation.epoch + 1 }
}

/** What was resolved is opened by its visitor; the insert itself writes it. */
const opened = (conversation: LockedConversation, draft: Draft): LockedConversation =>
  conversation.status === 'resolved' && asks(draft) ? { ...conversation, status: 'active' } : conversation

/** Writes who answers from now on, and tells those who keep more about it in this transaction. */
export async function writeMoves(
  tx: Transaction,
  tenantId: string,
  locked: ReadonlyMap<string, LockedConversation>,
  drafts: readonly Draft[],
): Promise<void> {
  const now = new Map(locked)
  const rows = new Map<string, LockedConversation>()
  for (const draft of drafts) {
    const before = now.get(draft.conversationId)
    if (!before) continue
    const after = opened(moved(before, draft), draft)
    if (after === before) continue
    now.set(after.id, after)
    if (draft.ownership) {
      rows.set(after.id, after)
      await tellMove(tx, tenantId, before, after, draft)
    }
    await tx.emit({ type: 'conversation.changed', conversationId: after.id })
  }
  if (rows.size > 0) await changeOwners(tx, tenantId, [...rows.values()])
}

async function tellMove(
  tx: Transaction,
  tenantId: string,
  before: LockedConversation,
  after: LockedConversation,
  draft: Draft,
): Promise<void> {
  const { ownership, sender } = draft
  const { id: conversationId, contactId, owner, assignedMemberId, status, epoch } = after
  const handOver = await callOf(tx, tenantId, before, draft)
  await tx.emit({
    ...{ type: 'conversation.moved', conversationId, contactId, by: sender },
    ...{ owner, assignedMemberId, status, epoch, before: ownerOf(before) },
    ...(handOver ? { handOver } : {}),
  })
  const { oldValues, newValues } = difference(ownerOf(before), ownerOf(after))
  await tx.emit({
    ...{ type: 'changed', action: 'conversation.moved', resourceType: 'conversation' },
    ...{ resourceId: conversationId, oldValues, newValues },
    ...(ownership ? { by: ownership.by } : {}),
  })
}

const ownerOf = ({ owner, assignedMemberId, status, epoch }: LockedConversation) => ({
  ...{ owner, assignedMemberId, status, epoch },
})
