import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  numeric,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { createdAt, id, moment, oneOf, tenantId, updatedAt } from '../db/columns.ts'
import {
  channels,
  conversationKinds,
  conversationStatuses,
  messageRoles,
  messageTypes,
  owners,
  senderKinds,
} from '../protocol/index.ts'
import { members, tenants } from '../tenancy/schema.ts'

export interface ModelParameters {
  temperature?: number
  topP?: number
  maxTokens?: number
}

export interface MessagePart {
  type: string
  [field: string]: unknown
}

const ofTenant = () => tenantId().references(() => tenants.id, { onDelete: 'cascade' })
const position = (name: string) => bigint(name, { mode: 'number' })

/**
 * One thread of talk. `seq` and `public_seq` are the positions of its last entry and of the last entry a visitor may see
 * (L1); `owner` and `epoch` say who answers and fence whoever answered before (L7).
 *
 * Keys to contacts, widgets and members are written by hand in the migrations: they clear only their own column when the
 * row goes, which the generator cannot express.
 */
export const conversations = pgTable(
  'conversations',
  {
    tenantId: ofTenant(),
    id: id(),
    kind: text('kind', { enum: conversationKinds }).notNull().default('chat'),
    channel: text('channel', { enum: channels }).notNull().default('widget'),
    channelConversationId: text('channel_conversation_id'),
    status: text('status', { enum: conversationStatuses }).notNull().default('active'),
    priority: integer('priority').notNull().default(0),
    tags: text('tags').array().notNull().default([]),
    title: text('title'),
    contactId: uuid('contact_id'),
    widgetId: uuid('widget_id'),
    agentId: uuid('agent_id'),
    meetingId: uuid('meeting_id'),
    createdBy: uuid('created_by'),
    assignedMemberId: uuid('assigned_member_id'),
    owner: text('owner', { enum: owners }).notNull().default('ai'),
    epoch: integer('epoch').notNull().default(0),
    seq: position('seq').notNull().default(0),
    publicSeq: position('public_seq').notNull().default(0),
    provider: text('provider'),
    model: text('model'),
    parameters: jsonb('parameters').$type<ModelParameters>().notNull().default({}),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    costUsd: numeric('cost_usd', { precision: 14, scale: 6, mode: 'number' }).notNull().default(0),
    archived: boolean('archived').notNull().default(false),
    shareToken: text('share_token'),
    startedAt: moment('started_at').notNull().defaultNow(),
    resolvedAt: moment('resolved_at'),
    lastMessageAt: moment('last_message_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('conversations_channel').on(t.tenantId, t.channel, t.channelConversationId),
    unique('conversations_share').on(t.tenantId, t.shareToken),
    index('conversations_status').on(t.tenantId, t.status, t.lastMessageAt),
    index('conversations_assigned').on(t.tenantId, t.assignedMemberId),
    index('conversations_contact').on(t.tenantId, t.contactId),
    oneOf('conversations_kind', t.kind, conversationKinds),
    oneOf('conversations_channel_kind', t.channel, channels),
    oneOf('conversations_status_kind', t.status, conversationStatuses),
    oneOf('conversations_owner', t.owner, owners),
  ],
)

/** The log. `seq` counts every entry of a conversation from 1 without a hole; `public_seq` those a visitor may see (L1). */
export const messages = pgTable(
  'messages',
  {
    tenantId: ofTenant(),
    id: id(),
    conversationId: uuid('conversation_id').notNull(),
    seq: position('seq').notNull(),
    publicSeq: position('public_seq'),
    role: text('role', { enum: messageRoles }).notNull(),
    type: text('type', { enum: messageTypes }).notNull().default('text'),
    parts: jsonb('parts').$type<MessagePart[]>().notNull().default([]),
    text: text('text').notNull().default(''),
    parentId: uuid('parent_id'),
    senderKind: text('sender_kind', { enum: senderKinds }).notNull(),
    senderId: uuid('sender_id').notNull(),
    clientId: text('client_id').notNull(),
    model: text('model'),
    provider: text('provider'),
    finishReason: text('finish_reason'),
    promptTokens: integer('prompt_tokens'),
    completionTokens: integer('completion_tokens'),
    error: text('error'),
    errorMessage: text('error_message'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('messages_seq').on(t.tenantId, t.conversationId, t.seq),
    unique('messages_public_seq').on(t.tenantId, t.conversationId, t.publicSeq),
    // A repeated send finds its first row here instead of making a second one (L2).
    unique('messages_client').on(t.tenantId, t.conversationId, t.senderId, t.clientId),
    // The edits of a message.
    index('messages_parent_edits').on(t.tenantId, t.parentId).where(sql`${t.parentId} is not null`),
    index('messages_text').using('gin', sql`to_tsvector('simple', ${t.text})`),
    foreignKey({
      name: 'messages_conversation',
      columns: [t.tenantId, t.conversationId],
      foreignColumns: [conversations.tenantId, conversations.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'messages_parent',
      columns: [t.tenantId, t.parentId],
      foreignColumns: [t.tenantId, t.id],
    }),
    oneOf('messages_role', t.role, messageRoles),
    oneOf('messages_type', t.type, messageTypes),
    oneOf('messages_sender_kind', t.senderKind, senderKinds),
  ],
)

/** How far someone has read (`seq`) and received a log, in both ways of counting it. Marks only ever move forward. */
export const readMarks = pgTable(
  'read_marks',
  {
    tenantId: ofTenant(),
    conversationId: uuid('conversation_id').notNull(),
    readerKind: text('reader_kind', { enum: senderKinds }).notNull(),
    readerId: uuid('reader_id').notNull(),
    seq: position('seq').notNull().default(0),
    publicSeq: position('public_seq').notNull().default(0),
    deliveredSeq: position('delivered_seq').notNull().default(0),
    deliveredPublicSeq: position('delivered_public_seq').notNull().default(0),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.conversationId, t.readerKind, t.readerId] }),
    foreignKey({
      name: 'read_marks_conversation',
      columns: [t.tenantId, t.conversationId],
      foreignColumns: [conversations.tenantId, conversations.id],
    }).onDelete('cascade'),
  ],
)

export const files = pgTable(
  'files',
  {
    tenantId: ofTenant(),
    id: id(),
    uploaderKind: text('uploader_kind', { enum: senderKinds }).notNull(),
    uploaderId: uuid('uploader_id').notNull(),
    conversationId: uuid('conversation_id'),
    filename: text('filename').notNull(),
    originalName: text('original_name').notNull(),
    mimeType: text('mime_type').notNull(),
    size: bigint('size', { mode: 'number' }).notNull(),
    sha256: text('sha256').notNull(),
    storageProvider: text('storage_provider').notNull(),
    storageKey: text('storage_key').notNull(),
    embedded: boolean('embedded').notNull().default(false),
    /** Where it lies outside, for files that we only refer to; ours are reached by signed links. */
    url: text('url'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('files_storage_key').on(t.tenantId, t.storageKey),
    index('files_conversation').on(t.tenantId, t.conversationId),
    foreignKey({
      name: 'files_conversation_key',
      columns: [t.tenantId, t.conversationId],
      foreignColumns: [conversations.tenantId, conversations.id],
    }).onDelete('cascade'),
  ],
)

/** A member's named collection of threads. */
export const archives = pgTable(
  'archives',
  {
    tenantId: ofTenant(),
    id: id(),
    memberId: uuid('member_id').notNull(),
    name: text('name').notNull(),
    description: text('description'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('archives_member').on(t.tenantId, t.memberId),
    foreignKey({
      name: 'archives_member_key',
      columns: [t.tenantId, t.memberId],
      foreignColumns: [members.tenantId, members.id],
    }).onDelete('cascade'),
  ],
)

export const archiveItems = pgTable(
  'archive_items',
  {
    tenantId: ofTenant(),
    id: id(),
    archiveId: uuid('archive_id').notNull(),
    conversationId: uuid('conversation_id').notNull(),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('archive_items_once').on(t.tenantId, t.archiveId, t.conversationId),
    foreignKey({
      name: 'archive_items_archive',
      columns: [t.tenantId, t.archiveId],
      foreignColumns: [archives.tenantId, archives.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'archive_items_conversation',
      columns: [t.tenantId, t.conversationId],
      foreignColumns: [conversations.tenantId, conversations.id],
    }).onDelete('cascade'),
  ],
)

export const reactions = pgTable(
  'reactions',
  {
    tenantId: ofTenant(),
    id: id(),
    messageId: uuid('message_id').notNull(),
    actorKind: text('actor_kind', { enum: senderKinds }).notNull(),
    actorId: uuid('actor_id').notNull(),
    emoji: text('emoji').notNull(),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('reactions_once').on(t.tenantId, t.messageId, t.actorKind, t.actorId, t.emoji),
    foreignKey({
      name: 'reactions_message',
      columns: [t.tenantId, t.messageId],
      foreignColumns: [messages.tenantId, messages.id],
    }).onDelete('cascade'),
  ],
)
