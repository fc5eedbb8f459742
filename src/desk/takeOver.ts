import { moveConversation, type StoredEntry, sendMessage } from '../chat/index.ts'
import { ParleyError, type Scope } from '../kernel/index.ts'
import type { Part } from '../protocol/index.ts'
import type { DeskParts } from './callPeople.ts'
import { type Fenced, memberOf, requireEpoch, requireHeld } from './fence.ts'

/** Takes a conversation from the queue or from AI. Of several who claim at one epoch, one gets it (L7). */
export function claim({ log }: DeskParts, scope: Scope, fenced: Fenced): Promise<StoredEntry> {
  const assignedMemberId = memberOf(scope)
  return moveConversation(log, scope, {
    ...{ conversationId: fenced.conversationId, clientId: fenced.clientId },
    happening: { name: 'claimed', text: 'A person has taken over.' },
    ownership: { owner: 'member', assignedMemberId, status: 'active' },
    guard: conversation => {
      requireEpoch(fenced, conversation)
      // Whoever had it and is a member no more has left it to the others.
      if (conversation.owner === 'member' && conversation.assignedMemberId !== null)
        throw new ParleyError('conflict', 'Somebody has this conversation.')
    },
  })
}

/** Says something as the one who has the conversation. */
export function reply(
  { log }: DeskParts,
  scope: Scope,
  {
    parts,
    parentId,
    ...fenced
  }: Fenced & { readonly parts: readonly Part[]; readonly parentId?: string | undefined },
): Promise<StoredEntry> {
  const memberId = memberOf(scope)
  const { conversationId, clientId } = fenced
  const fence = (conversation: Parameters<typeof requireHeld>[2]) =>
    requireHeld(memberId, fenced, conversation)
  return sendMessage({ log }, scope, { conversationId, clientId, parts, parentId, fence })
}

/** Gives it back: to AI, which answers what is still open, or to the queue. */
export function handBack(
  { log }: DeskParts,
  scope: Scope,
  { to = 'ai', ...fenced }: Fenced & { readonly to?: 'ai' | 'queue' | undefined },
): Promise<StoredEntry> {
  const memberId = memberOf(scope)
  const toAi = to === 'ai'
  return moveConversation(log, scope, {
    ...{ conversationId: fenced.conversationId, clientId: fenced.clientId },
    happening: toAi
      ? { name: 'handed_back', text: 'The assistant answers again.' }
      : { name: 'queued', text: 'Another person will take over.' },
    ownership: { owner: to, assignedMemberId: null, status: toAi ? 'active' : 'waiting' },
    guard: conversation => {
      requireHeld(memberId, fenced, conversation)
      if (toAi && conversation.agentId === null)
        throw new ParleyError('conflict', 'No agent answers here; hand it to the queue.')
    },
  })
}

/** Ends it. Whatever was asked is answered; when the visitor writes again, it goes on with AI. */
export function resolve({ log }: DeskParts, scope: Scope, fenced: Fenced): Promise<StoredEntry> {
  const memberId = memberOf(scope)
  return moveConversation(log, scope, {
    ...{ conversationId: fenced.conversationId, clientId: fenced.clientId },
    happening: { name: 'resolved', text: 'The conversation was resolved.' },
    ownership: { owner: 'ai', assignedMemberId: null, status: 'resolved' },
    answers: 'all',
    guard: conversation => {
      if (conversation.owner === 'member') requireHeld(memberId, fenced, conversation)
      requireEpoch(fenced, conversation)
      if (conversation.status === 'resolved') throw new ParleyError('conflict', 'It is resolved already.')
    },
  })
}
