import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { conversations } from '../chat/schema.ts'
import { createdAt, id, moment, oneOf, tenantId, updatedAt } from '../db/columns.ts'
import { type Brief, handOverReasons } from '../kernel/index.ts'
import { tenants } from '../tenancy/schema.ts'

export const escalationStatuses = ['pending', 'assigned', 'returned', 'resolved'] as const

/**
 * One hand-over of a conversation to people, from the moment it was needed until it is done. `epoch` is that of the conversation when it was
 * handed over: whoever claims it names it (L7). The key to members is written by hand in the migrations.
 */
export const escalations = pgTable(
  'escalations',
  {
    tenantId: tenantId().references(() => tenants.id, { onDelete: 'cascade' }),
    id: id(),
    conversationId: uuid('conversation_id').notNull(),
    contactId: uuid('contact_id'),
    runId: uuid('run_id'),
    epoch: integer('epoch').notNull(),
    reason: text('reason', { enum: handOverReasons }).notNull(),
    detail: text('detail').notNull().default(''),
    priority: integer('priority').notNull().default(0),
    status: text('status', { enum: escalationStatuses }).notNull().default('pending'),
    brief: jsonb('brief').$type<Brief>().notNull(),
    assignedMemberId: uuid('assigned_member_id'),
    /** When it was put into the queue last; null: nobody called. */
    waitsSince: moment('waits_since'),
    assignedAt: moment('assigned_at'),
    resolvedAt: moment('resolved_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('escalations_queue').on(t.tenantId, t.status, t.priority, t.createdAt),
    index('escalations_claimed').on(t.tenantId, t.assignedAt).where(sql`${t.assignedAt} is not null`),
    index('escalations_conversation').on(t.tenantId, t.conversationId),
    foreignKey({
      name: 'escalations_conversation_key',
      columns: [t.tenantId, t.conversationId],
      foreignColumns: [conversations.tenantId, conversations.id],
    }).onDelete('cascade'),
    oneOf('escalations_reason', t.reason, handOverReasons),
    oneOf('escalations_status', t.status, escalationStatuses),
  ],
)

/** What a visitor thinks of a conversation. Whose it was says the conversation itself, which moves along when its visitor turns out to be somebody. */
export const surveys = pgTable(
  'surveys',
  {
    tenantId: tenantId().references(() => tenants.id, { onDelete: 'cascade' }),
    id: id(),
    conversationId: uuid('conversation_id').notNull(),
    rating: integer('rating').notNull(),
    comment: text('comment'),
    /** Raised by every change; names its entry in the log. */
    revision: integer('revision').notNull().default(1),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('surveys_conversation').on(t.tenantId, t.conversationId),
    foreignKey({
      name: 'surveys_conversation_key',
      columns: [t.tenantId, t.conversationId],
      foreignColumns: [conversations.tenantId, conversations.id],
    }).onDelete('cascade'),
    check('surveys_rating', sql`${t.rating} between 1 and 5`),
  ],
)

/**
 * Transcripts that were mailed within the last days, so that no more are than is decent. They outlive their contact, or whoever is deleted
 * could begin anew. `recipient` and `network` are digests.
 */
export const transcriptMails = pgTable(
  'transcript_mails',
  {
    tenantId: tenantId().references(() => tenants.id, { onDelete: 'cascade' }),
    id: id(),
    conversationId: uuid('conversation_id').notNull(),
    contactId: uuid('contact_id').notNull(),
    recipient: text('recipient').notNull(),
    /** From where it was asked for. */
    network: text('network').notNull().default(''),
    /** Whether the site said who asked. */
    proven: boolean('proven').notNull().default(false),
    /** Where to, until it has left. */
    sealedTo: text('sealed_to'),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('transcript_mails_conversation').on(t.tenantId, t.conversationId, t.createdAt),
    index('transcript_mails_contact').on(t.tenantId, t.contactId, t.createdAt),
    index('transcript_mails_recipient').on(t.tenantId, t.recipient, t.createdAt),
    index('transcript_mails_network').on(t.tenantId, t.network, t.createdAt),
    index('transcript_mails_lately').on(t.tenantId, t.createdAt),
    foreignKey({
      name: 'transcript_mails_conversation_key',
      columns: [t.tenantId, t.conversationId],
      foreignColumns: [conversations.tenantId, conversations.id],
    }).onDelete('cascade'),
  ],
)
