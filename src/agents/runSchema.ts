import { sql } from 'drizzle-orm'
import {
  boolean,
  foreignKey,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { conversations } from '../chat/schema.ts'
import { createdAt, id, moment, oneOf, tenantId, updatedAt } from '../db/columns.ts'
import { tenants } from '../tenancy/schema.ts'
import { agents } from './schema.ts'

export const runStates = [
  'running',
  'done',
  'stopped',
  'handed_over',
  'failed',
  'superseded',
  'lost',
] as const

const ofTenant = () => tenantId().references(() => tenants.id, { onDelete: 'cascade' })

/**
 * One attempt to answer. While it runs its node renews the lease; when the lease has ended, any node begins another attempt (L8). At most one
 * runs per conversation, and it writes with the epoch that it began with (L7).
 */
export const agentRuns = pgTable(
  'agent_runs',
  {
    tenantId: ofTenant(),
    id: id(),
    conversationId: uuid('conversation_id').notNull(),
    agentId: uuid('agent_id').notNull(),
    agentVersion: integer('agent_version').notNull(),
    epoch: integer('epoch').notNull(),
    /** The log's position up to which this run answers. */
    answersSeq: integer('answers_seq').notNull(),
    attempt: integer('attempt').notNull().default(1),
    state: text('state', { enum: runStates }).notNull().default('running'),
    node: uuid('node').notNull(),
    leaseUntil: moment('lease_until').notNull(),
    stopRequested: boolean('stop_requested').notNull().default(false),
    /** Somebody on another node has missed part of what it has written. */
    textWanted: boolean('text_wanted').notNull().default(false),
    /** Something that it had read was edited or deleted since: no words of it are kept any more but what it says in the log. */
    takenBack: boolean('taken_back').notNull().default(false),
    /** The answer that this one replaces, where somebody asked for another. */
    regenerates: uuid('regenerates'),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    messageId: uuid('message_id'),
    finishReason: text('finish_reason'),
    error: text('error'),
    inputTokens: integer('input_tokens').notNull().default(0),
    outputTokens: integer('output_tokens').notNull().default(0),
    costUsd: numeric('cost_usd', { precision: 16, scale: 8, mode: 'number' }).notNull().default(0),
    firstTokenMs: integer('first_token_ms'),
    finishedAt: moment('finished_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    uniqueIndex('agent_runs_one').on(t.tenantId, t.conversationId).where(sql`${t.state} = 'running'`),
    index('agent_runs_conversation').on(t.tenantId, t.conversationId, t.createdAt),
    foreignKey({
      name: 'agent_runs_conversation_key',
      columns: [t.tenantId, t.conversationId],
      foreignColumns: [conversations.tenantId, conversations.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'agent_runs_agent',
      columns: [t.tenantId, t.agentId],
      foreignColumns: [agents.tenantId, agents.id],
    }).onDelete('cascade'),
    oneOf('agent_runs_state', t.state, runStates),
  ],
)
