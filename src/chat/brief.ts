import { contactCard, contactCards } from '../contacts/index.ts'
import type { Transaction } from '../db/index.ts'
import { type Brief, cutText, type Scope } from '../kernel/index.ts'
import { requireEntry } from './access.ts'
import type { LockedConversation } from './logStore.ts'
import { readConversation, readConversations } from './store.ts'
import { readTranscript, readTranscripts, type Spoken } from './transcriptStore.ts'

const lines = 6
const longest = 20

/** What somebody should know who is called into a conversation, taken from its last lines. */
export async function readBrief(tx: Transaction, scope: Scope, conversationId: string): Promise<Brief> {
  const conversation = await readConversation(tx, scope, conversationId)
  requireEntry(scope, conversation)
  const { contactId } = conversation
  return briefOf(
    await readTranscript(tx, scope, { conversationId, limit: longest }),
    contactId ? await contactCard(tx, scope, contactId) : {},
  )
}

/** The same of several conversations, for what is done in all of them at once. */
export async function readBriefs(
  tx: Transaction,
  scope: Scope,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Brief>> {
  const conversations = await readConversations(tx, scope, ids)
  const spoken = await readTranscripts(tx, scope, { conversationIds: ids, limit: longest })
  const cards = await contactCards(
    tx,
    scope,
    conversations.flatMap(({ contactId }) => contactId ?? []),
  )
  return new Map(
    conversations.map(({ id, contactId }) => [
      id,
      briefOf(spoken.get(id) ?? [], cards.get(contactId ?? '') ?? {}),
    ]),
  )
}

/**
 * The same of a conversation that is locked, so that nothing in it is taken back before it is kept; together with what its visitor is about
 * to say, where that is what calls.
 */
export async function briefWith(
  tx: Transaction,
  scope: Scope,
  { id: conversationId, contactId, askedSeq }: LockedConversation,
  asking?: string,
): Promise<Brief> {
  // Most of those that call by asking begin with it, and many may begin at once.
  const isFirst = asking !== undefined && askedSeq === 0
  const spoken = isFirst ? [] : await readTranscript(tx, scope, { conversationId, limit: longest })
  if (asking !== undefined)
    spoken.push({ seq: Number.MAX_SAFE_INTEGER, speaker: 'visitor', text: asking || '(a file)' })
  return briefOf(spoken, contactId ? await contactCard(tx, scope, contactId) : {})
}

function briefOf(spoken: readonly Spoken[], contact: Brief['contact']): Brief {
  const said = spoken.filter(({ speaker }) => speaker !== 'event')
  return {
    summary: said
      .slice(-lines)
      .map(({ speaker, text }) => `${speaker}: ${cutText(text, 200)}`)
      .join('\n'),
    asked: cutText(said.findLast(({ speaker }) => speaker === 'visitor')?.text ?? '', 500),
    tried: said.filter(({ speaker }) => speaker === 'agent').map(({ text }) => cutText(text, 200)),
    contact,
  }
}
