import { z } from 'zod'

export const conversationKinds = ['chat', 'meeting', 'thread'] as const
export const conversationStatuses = ['active', 'waiting', 'resolved', 'archived'] as const
export const channels = ['widget', 'whatsapp', 'telegram', 'slack', 'teams', 'email', 'api'] as const
export const owners = ['ai', 'queue', 'member'] as const
export const messageRoles = ['user', 'assistant', 'system', 'tool'] as const
export const messageTypes = [
  'text',
  'image',
  'file',
  'system_event',
  'note',
  'tool',
  'speech',
  'edit',
  'delete',
] as const
export const senderKinds = ['contact', 'member', 'agent', 'guest', 'system'] as const

const position = z.int().min(0)
const moment = z.iso.datetime()

/**
 * One entry of a conversation's log as its audience sees it. `seq` is the position in what this audience sees: for members
 * every entry, for visitors and participants the public ones. Both count from 1 without a hole (L1).
 */
export const entrySchema = z.object({
  id: z.uuid(),
  seq: z.int().min(1),
  type: z.enum(messageTypes),
  role: z.enum(messageRoles),
  /** What was sent; of types that this client does not know yet it shows the `text`. */
  parts: z.array(z.looseObject({ type: z.string() })),
  text: z.string(),
  sender: z.object({ kind: z.enum(senderKinds), id: z.uuid() }),
  /** The sender's own name for the entry, by which it recognises what it sent. */
  clientId: z.string(),
  /** The entry that an `edit` or `delete` is about, or that a reply answers. */
  parentId: z.uuid().nullable(),
  createdAt: moment,
  /** For members: whether visitors see it, and where. */
  publicSeq: position.nullable().optional(),
  /** Its content was taken back; parts and text are empty. */
  deleted: z.literal(true).optional(),
})

export type Entry = z.output<typeof entrySchema>

/** How far someone has received and read, in positions of the audience that is told. */
export const markSchema = z.object({
  reader: z.object({ kind: z.enum(senderKinds), id: z.uuid() }),
  delivered: position,
  read: position,
})

export type Mark = z.output<typeof markSchema>

export const conversationSchema = z.object({
  id: z.uuid(),
  kind: z.enum(conversationKinds),
  channel: z.enum(channels),
  status: z.enum(conversationStatuses),
  title: z.string().nullable(),
  owner: z.enum(owners),
  contactId: z.uuid().nullable(),
  assignedMemberId: z.uuid().nullable(),
  /** Position of the last entry that this audience sees. */
  head: position,
  startedAt: moment,
  lastMessageAt: moment.nullable(),
})

export type ConversationState = z.output<typeof conversationSchema>

/** A line of a list of conversations. */
export const conversationLineSchema = conversationSchema.extend({
  /** The last message, cut to a line. */
  preview: z.string(),
  /** Messages of others after this reader's mark. */
  unread: z.int().min(0),
  priority: z.int(),
  tags: z.array(z.string()),
})

export type ConversationLine = z.output<typeof conversationLineSchema>
