import { readConversation, requireEntry, type Sender, senderOf, sendersIn, speakerIn } from '../chat/index.ts'
import { contactFace } from '../contacts/index.ts'
import type { Database, Transaction } from '../db/index.ts'
import { type Command, command } from '../gateway/index.ts'
import type { Scope } from '../kernel/index.ts'
import { memberFaces } from '../tenancy/index.ts'
import { agentFaces } from './store.ts'

export interface Speaker {
  readonly sender: Sender
  readonly name: string | null
  readonly avatarUrl: string | null
}

/**
 * Those who speak in a conversation, or are to: agents and people of the team as they call themselves, and of contacts whoever asks. Never an
 * address of anybody.
 */
export async function readSpeakers(
  scope: Scope,
  tx: Transaction,
  conversationId: string,
): Promise<Speaker[]> {
  const conversation = await readConversation(tx, scope, conversationId)
  requireEntry(scope, conversation)
  const { agentId, assignedMemberId, contactId } = conversation
  const spoke = await sendersIn(tx, scope, conversationId)
  const idsOf = (kind: Sender['kind'], also: string | null) => [
    ...new Set([
      ...spoke.flatMap(sender => (sender.kind === kind ? sender.id : [])),
      ...(also ? [also] : []),
    ]),
  ]
  const agents = idsOf('agent', agentId)
  const members = idsOf('member', assignedMemberId)
  const faces = {
    agent: await agentFaces(tx, scope, agents),
    member: await memberFaces(scope, tx, members),
  }
  const team = (kind: 'agent' | 'member', ids: readonly string[]): Speaker[] =>
    ids.map(id => ({ sender: { kind, id }, ...(faces[kind].get(id) ?? faceless) }))
  const self: Speaker[] =
    scope.actor.kind === 'visitor' && contactId !== null
      ? [{ sender: speakerIn(conversation, senderOf(scope)), ...(await contactFace(scope, tx, contactId)) }]
      : []
  return [...team('agent', agents), ...team('member', members), ...self]
}

const faceless = { name: null, avatarUrl: null }

export const speakerCommands = ({ db }: { readonly db: Database }): Command[] => [
  command('speakers.read', 'conversations:read', async ({ scope, input }) => ({
    speakers: await db.scoped(scope, tx => readSpeakers(scope, tx, input.conversationId)),
  })),
]
