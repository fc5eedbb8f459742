import { index, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { createdAt, id, tenantId } from '../db/columns.ts'
import { tenants } from '../tenancy/schema.ts'

/** Who changed what, from what to what. The serving role may only add and read; nobody updates it. */
export const auditLogs = pgTable(
  'audit_logs',
  {
    tenantId: tenantId().references(() => tenants.id),
    id: id(),
    actorKind: text('actor_kind').notNull(),
    /** Member, key or contact; null for the program itself. */
    actorId: uuid('actor_id'),
    userId: uuid('user_id'),
    action: text('action').notNull(),
    /** How the action ended; what is written with its change has succeeded. */
    status: text('status', { enum: ['success', 'failure'] })
      .notNull()
      .default('success'),
    resourceType: text('resource_type').notNull(),
    resourceId: text('resource_id').notNull(),
    oldValues: jsonb('old_values').$type<Record<string, unknown>>(),
    newValues: jsonb('new_values').$type<Record<string, unknown>>(),
    ipAddress: text('ip_address'),
    userAgent: text('user_agent'),
    requestId: text('request_id'),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('audit_logs_created').on(t.tenantId, t.createdAt),
    index('audit_logs_resource').on(t.tenantId, t.resourceType, t.resourceId),
  ],
)

/**
 * What happened to a person's account: sign-ins, passwords, second factors. An account belongs to no tenant, so neither do these.
 * Written by triggers (by hand, in the migrations), because the accounts library owns the statements. It outlives the account.
 */
export const securityEvents = pgTable(
  'security_events',
  {
    id: id().primaryKey(),
    userId: uuid('user_id').notNull(),
    action: text('action').notNull(),
    /** Of a secret they say only that it changed. */
    oldValues: jsonb('old_values').$type<Record<string, unknown>>(),
    newValues: jsonb('new_values').$type<Record<string, unknown>>(),
    ipAddress: text('ip_address'),
    userAgent: text('user_agent'),
    createdAt: createdAt(),
  },
  t => [index('security_events_user').on(t.userId, t.id)],
)
