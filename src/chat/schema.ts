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
  uniqueIndex,
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
    /** As whom its visitor speaks here, where that is not the contact: who began it was merged into another one, and the log stays as it is. */
    speakerId: uuid('speaker_id'),
    widgetId: uuid('widget_id'),
    agentId: uuid('agent_id'),
    meetingId: uuid('meeting_id'),
    createdBy: uuid('created_by'),
    assignedMemberId: uuid('assigned_member_id'),
    owner: text('owner', { enum: owners }).notNull().default('ai'),
    epoch: integer('epoch').notNull().default(0),
    seq: position('seq').notNull().default(0),
    publicSeq: position('public_seq').notNull().default(0),
    /** The last thing a visitor said, and up to where it has been answered: while AI owns the conversation, what lies between is due (L8). */
    askedSeq: position('asked_seq').notNull().default(0),
    answeredSeq: position('answered_seq').notNull().default(0),
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
    /** When its title, status or another property was changed last; growing is no change. */
    changedAt: moment('changed_at').notNull().defaultNow(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    // Partial: every new entry moves its conversation in each of these, and a full one, where most have nothing, is smaller than the
    // primary key, so that the planner may look for one conversation by walking through all of its tenant.
    uniqueIndex('conversations_channel')
      .on(t.tenantId, t.channel, t.channelConversationId)
      .where(sql`${t.channelConversationId} is not null`),
    uniqueIndex('conversations_share').on(t.tenantId, t.shareToken).where(sql`${t.shareToken} is not null`),
    index('conversations_status').on(t.tenantId, t.status, t.lastMessageAt),
    index('conversations_assigned')
      .on(t.tenantId, t.assignedMemberId)
      .where(sql`${t.assignedMemberId} is not null`),
    index('conversations_contact').on(t.tenantId, t.contactId).where(sql`${t.contactId} is not null`),
    index('conversations_due')
      .on(t.tenantId)
      .where(sql`${t.owner} = 'ai' and ${t.agentId} is not null and ${t.askedSeq} > ${t.answeredSeq}`),
    // What a node may not have heard of.
    index('conversations_updated').on(t.tenantId, t.updatedAt).where(sql`${t.seq} > 0`),
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
    // Entries with files are few, and asked for one file at a time.
    index('messages_files').on(t.tenantId, t.conversationId).where(sql`${t.parts} @? '$[*].fileId'`),
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

/**
 * Join tickets that were issued. A guest is let in by a ticket that is here, has not expired and was not taken back; one that was taken back
 * ends the stay of its guest unless there is another one of theirs.
 */
export const joinTickets = pgTable(
  'join_tickets',
  {
    tenantId: ofTenant(),
    id: id(),
    conversationId: uuid('conversation_id').notNull(),
    guestId: uuid('guest_id').notNull(),
    /** A member or a key, by its id; with whom the ticket ends. */
    issuedBy: uuid('issued_by').notNull(),
    expiresAt: moment('expires_at').notNull(),
    revokedAt: moment('revoked_at'),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('join_tickets_guest').on(t.tenantId, t.guestId, t.conversationId),
    index('join_tickets_issuer').on(t.tenantId, t.issuedBy),
    foreignKey({
      name: 'join_tickets_conversation',
      columns: [t.tenantId, t.conversationId],
      foreignColumns: [conversations.tenantId, conversations.id],
    }).onDelete('cascade'),
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
    /** When it moved last in what visitors see. */
    publicMovedAt: moment('public_moved_at').notNull().defaultNow(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.conversationId, t.readerKind, t.readerId] }),
    // Of those who have an inbox.
    index('read_marks_updated')
      .on(t.tenantId, t.updatedAt)
      .where(sql`${t.readerKind} in ('member', 'system')`),
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
    // With all that is summed up for every upload.
    index('files_usage').on(t.tenantId, t.conversationId, t.uploaderKind, t.uploaderId, t.size),
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
