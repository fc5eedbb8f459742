import { type ConversationLog, moveConversation, type StoredEntry } from '../chat/index.ts'
import { ParleyError, type Scope, type Vault } from '../kernel/index.ts'
import type { WaitingParts } from './waiting.ts'

export interface DeskParts extends WaitingParts {
  readonly log: ConversationLog
  readonly vault: Vault
}

/** Puts a conversation that AI answers into the queue, because its visitor or a member wants a person. */
export function callPeople(
  { log }: DeskParts,
  scope: Scope,
  call: { readonly conversationId: string; readonly clientId: string; readonly reason?: string | undefined },
): Promise<StoredEntry> {
  const { conversationId, clientId, reason = '' } = call
  return moveConversation(log, scope, {
    ...{ conversationId, clientId },
    happening: { name: 'called_people', text: 'A person was asked to take over.' },
    ownership: {
      ...{ owner: 'queue', assignedMemberId: null, status: 'waiting' },
      handOver: { reason: 'asked_for_person', detail: reason, priority: 0, runId: null },
    },
    guard: ({ owner }) => {
      if (owner === 'queue') throw new ParleyError('conflict', 'A person has been asked already.')
      if (owner === 'member') throw new ParleyError('conflict', 'A person has this conversation.')
    },
  })
}
