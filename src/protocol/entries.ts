import { z } from 'zod'
import { idField, lineField, tagsField } from './fields.ts'

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

/** Who says something. Two are the same if both fields are. */
export const senderSchema = z.object({ kind: z.enum(senderKinds), id: idField })

/**
 * One entry of a conversation's log as its audience sees it. `seq` is the position in what this audience sees: for members
 * every entry, for visitors and participants the public ones. Both count from 1 without a hole (L1).
 */
export const entrySchema = z.object({
  id: idField,
  seq: z.int().min(1),
  type: z.enum(messageTypes),
  role: z.enum(messageRoles),
  /** What was sent; of types that this client does not know yet it shows the `text`. */
  parts: z.array(z.looseObject({ type: z.string() })),
  text: z.string(),
  sender: senderSchema,
  /** The sender's own name for the entry, by which it recognises what it sent. */
  clientId: z.string(),
  /** The entry that an `edit` or `delete` is about, or that a reply answers. */
  parentId: idField.nullable(),
  createdAt: moment,
  /** For members: whether visitors see it, and where. */
  publicSeq: position.nullable().optional(),
  /** Its content was taken back; parts and text are empty. */
  deleted: z.literal(true).optional(),
})

export type Entry = z.output<typeof entrySchema>

/** How far someone has received and read, in positions of the audience that is told. */
export const markSchema = z.object({
  reader: senderSchema,
  delivered: position,
  read: position,
})

export type Mark = z.output<typeof markSchema>

export const conversationSchema = z.object({
  id: idField,
  kind: z.enum(conversationKinds),
  channel: z.enum(channels),
  status: z.enum(conversationStatuses),
  title: z.string().nullable(),
  owner: z.enum(owners),
  /** Raised whenever somebody else is to answer: what was begun under a lower one is not shown any more (L7). */
  epoch: position,
  contactId: idField.nullable(),
  assignedMemberId: idField.nullable(),
  /** Who answers while `owner` is `ai`. */
  agentId: idField.nullable(),
  /** Position of the last entry that this audience sees. */
  head: position,
  startedAt: moment,
  lastMessageAt: moment.nullable(),
})

export type ConversationState = z.output<typeof conversationSchema>

/** `searching` and `writing` in turns; the others are the end. What `done` wrote is in the log. */
export const runStates = ['searching', 'writing', 'done', 'stopped', 'superseded', 'failed'] as const

/** An agent's answer on its way. */
export const runSchema = z.object({
  runId: idField,
  agentId: idField,
  epoch: position,
  state: z.enum(runStates),
})

export type Run = z.output<typeof runSchema>

/** What members may change about a conversation. A field that is left out stays as it is. */
export const conversationPatchSchema = z.strictObject({
  title: lineField(200).nullable().optional(),
  /** The higher, the more urgent. */
  priority: z.int().min(0).max(100).optional(),
  tags: tagsField.optional(),
  /** Nothing can be added to an archived one, and no list shows it. */
  archived: z.boolean().optional(),
})

export type ConversationPatch = z.output<typeof conversationPatchSchema>

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
