import { sql } from 'drizzle-orm'
import {
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
import { tenants } from '../tenancy/schema.ts'

export const costServices = ['model', 'embedding', 'rerank'] as const
export const budgetPeriods = ['day', 'month'] as const
export const severities = ['notice', 'warning', 'exhausted'] as const

const ofTenant = () => tenantId().references(() => tenants.id, { onDelete: 'cascade' })
const money = (name: string) => numeric(name, { precision: 16, scale: 8, mode: 'number' })

/** Every call that costs or could cost something. What it was for is kept without constraints: the bill outlives the chat. */
export const costEvents = pgTable(
  'cost_events',
  {
    tenantId: ofTenant(),
    id: id(),
    service: text('service', { enum: costServices }).notNull(),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    conversationId: uuid('conversation_id'),
    runId: uuid('run_id'),
    agentId: uuid('agent_id'),
    sourceId: uuid('source_id'),
    inputTokens: integer('input_tokens').notNull().default(0),
    outputTokens: integer('output_tokens').notNull().default(0),
    cachedTokens: integer('cached_tokens').notNull().default(0),
    /** How many things were reranked or embedded. */
    units: integer('units').notNull().default(0),
    costUsd: money('cost_usd').notNull().default(0),
    /** Whether the price of this model was known; without it the cost is taken as nothing, and said so. */
    priced: boolean('priced').notNull().default(false),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('cost_events_time').on(t.tenantId, t.createdAt),
    index('cost_events_run').on(t.tenantId, t.runId).where(sql`${t.runId} is not null`),
    oneOf('cost_events_service', t.service, costServices),
  ],
)

/** The events of a day (UTC), added up; `day` is its beginning. */
export const costSummaries = pgTable(
  'cost_summaries',
  {
    tenantId: ofTenant(),
    id: id(),
    day: moment('day').notNull(),
    service: text('service', { enum: costServices }).notNull(),
    provider: text('provider').notNull(),
    model: text('model').notNull(),
    events: integer('events').notNull(),
    inputTokens: integer('input_tokens').notNull(),
    outputTokens: integer('output_tokens').notNull(),
    costUsd: money('cost_usd').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('cost_summaries_day').on(t.tenantId, t.day, t.service, t.provider, t.model),
  ],
)

/**
 * What a tenant may spend in a period. `spent` and `reserved` are of the period that began on `periodStart`, and move only under this row's
 * lock: so no number of parallel runs can spend more than there is.
 */
export const budgets = pgTable(
  'budgets',
  {
    tenantId: ofTenant(),
    id: id(),
    period: text('period', { enum: budgetPeriods }).notNull(),
    limitUsd: money('limit_usd').notNull(),
    /** From this share of the limit on, the cheaper model answers. */
    economyFrom: numeric('economy_from', { precision: 4, scale: 3, mode: 'number' }).notNull().default(0.8),
    /** When it is spent: whether the built-in answers go on, or people take over at once. */
    builtInAfter: boolean('built_in_after').notNull().default(true),
    /** Shares of the limit at which somebody is told. */
    alertAt: jsonb('alert_at').$type<number[]>().notNull().default(sql`'[0.5, 0.8, 1]'::jsonb`),
    periodStart: moment('period_start').notNull(),
    spentUsd: money('spent_usd').notNull().default(0),
    reservedUsd: money('reserved_usd').notNull().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('budgets_period').on(t.tenantId, t.period),
    oneOf('budgets_period_kind', t.period, budgetPeriods),
  ],
)

/** Money set aside for a run until it is known what it cost. One that was never settled, because its node died, lapses. */
export const budgetReservations = pgTable(
  'budget_reservations',
  {
    tenantId: ofTenant(),
    id: id(),
    budgetId: uuid('budget_id').notNull(),
    runId: uuid('run_id').notNull(),
    periodStart: moment('period_start').notNull(),
    /** What it holds back. Below nothing: it has lapsed, and this much has been counted as spent since. */
    amountUsd: money('amount_usd').notNull(),
    lapsesAt: moment('lapses_at').notNull(),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('budget_reservations_run').on(t.tenantId, t.budgetId, t.runId),
    index('budget_reservations_lapse').on(t.tenantId, t.lapsesAt),
    foreignKey({
      name: 'budget_reservations_budget',
      columns: [t.tenantId, t.budgetId],
      foreignColumns: [budgets.tenantId, budgets.id],
    }).onDelete('cascade'),
  ],
)

export const budgetAlerts = pgTable(
  'budget_alerts',
  {
    tenantId: ofTenant(),
    id: id(),
    budgetId: uuid('budget_id').notNull(),
    periodStart: moment('period_start').notNull(),
    threshold: numeric('threshold', { precision: 4, scale: 3, mode: 'number' }).notNull(),
    currentSpend: money('current_spend').notNull(),
    severity: text('severity', { enum: severities }).notNull(),
    resolved: boolean('resolved').notNull().default(false),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('budget_alerts_once').on(t.tenantId, t.budgetId, t.periodStart, t.threshold),
    foreignKey({
      name: 'budget_alerts_budget',
      columns: [t.tenantId, t.budgetId],
      foreignColumns: [budgets.tenantId, budgets.id],
    }).onDelete('cascade'),
    oneOf('budget_alerts_severity', t.severity, severities),
  ],
)
