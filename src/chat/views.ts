import type { ConversationState, Entry } from '../protocol/index.ts'
import type { View } from './access.ts'
import type { conversations, messages } from './schema.ts'

type MessageRow = typeof messages.$inferSelect
type ConversationRow = typeof conversations.$inferSelect

/** An entry as a view sees it. To visitors an entry without a public position does not exist. */
export function entryFor(view: View, entry: Entry): Entry | undefined {
  if (view === 'all') return entry
  const { publicSeq, ...rest } = entry
  return typeof publicSeq === 'number' ? { ...rest, seq: publicSeq } : undefined
}

export const toEntry = (row: MessageRow): Entry => ({
  id: row.id,
  seq: row.seq,
  type: row.type,
  role: row.role,
  parts: row.parts,
  text: row.text,
  sender: { kind: row.senderKind, id: row.senderId },
  clientId: row.clientId,
  parentId: row.parentId,
  createdAt: row.createdAt.toISOString(),
  publicSeq: row.publicSeq,
  ...(row.metadata.deleted === true ? { deleted: true as const } : {}),
})

export const stateFor = (view: View, row: ConversationRow): ConversationState => ({
  id: row.id,
  kind: row.kind,
  channel: row.channel,
  status: row.status,
  title: row.title,
  owner: row.owner,
  epoch: row.epoch,
  contactId: row.contactId,
  assignedMemberId: row.assignedMemberId,
  agentId: row.agentId,
  head: view === 'all' ? row.seq : row.publicSeq,
  startedAt: row.startedAt.toISOString(),
  lastMessageAt: row.lastMessageAt?.toISOString() ?? null,
})
