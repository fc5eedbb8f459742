import type { Transaction } from '../db/index.ts'
import { found, newId, type Scope } from '../kernel/index.ts'
import { insertConversation, insertMessages } from './store.ts'

type Line = readonly ['visitor' | 'agent', string]

const talks: readonly (readonly Line[])[] = [
  [
    ['visitor', 'Hi! Do you ship to Norway?'],
    ['agent', 'We do. Parcels to Norway take four to six working days; shipping is free from 80 euros.'],
    ['visitor', 'Great, thanks.'],
  ],
  [
    ['visitor', 'My oak stool arrived with a scratch. Can I send it back?'],
    [
      'agent',
      'I am sorry to hear that. You can return it within 30 days; damaged goods travel back at our cost.',
    ],
  ],
]

/** A few finished talks, so that the first look at a new installation is not at empty lists. */
export async function seedDemoConversations(
  scope: Scope,
  tx: Transaction,
  about: { readonly contactIds: readonly string[]; readonly widgetId: string },
): Promise<void> {
  const { tenantId } = scope
  for (const [at, lines] of talks.entries()) {
    const contactId = about.contactIds[at] ?? null
    const [row] = await insertConversation(tx, {
      tenantId,
      contactId,
      widgetId: about.widgetId,
      status: at === 0 ? 'resolved' : 'active',
      title: lines[0]?.[1] ?? null,
      seq: lines.length,
      publicSeq: lines.length,
      lastMessageAt: new Date(),
      resolvedAt: at === 0 ? new Date() : null,
    })
    const conversation = found(row, 'conversation')
    const agentId = newId()
    const entries = lines.map(([who, text], index) => ({
      tenantId,
      conversationId: conversation.id,
      seq: index + 1,
      publicSeq: index + 1,
      role: who === 'visitor' ? ('user' as const) : ('assistant' as const),
      senderKind: who === 'visitor' ? ('contact' as const) : ('agent' as const),
      senderId: who === 'visitor' ? (contactId ?? agentId) : agentId,
      clientId: `demo-${index + 1}`,
      text,
      parts: [{ type: 'text', text }],
    }))
    await insertMessages(tx, entries)
  }
}
