import { index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { createdAt, tenantId } from '../db/columns.ts'

/**
 * What a create answered to an idempotency key, written in the transaction of the create. The key to tenants is deferred
 * (by hand, in the migrations) so that creating a tenant can itself be repeated safely.
 */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    tenantId: tenantId(),
    /** Who used the key: two people may pick the same one. */
    actor: text('actor').notNull(),
    key: text('key').notNull(),
    fingerprint: text('fingerprint').notNull(),
    status: integer('status'),
    /** Sealed: it may carry a secret that is shown once. */
    response: text('response'),
    createdAt: createdAt(),
  },
  t => [primaryKey({ columns: [t.tenantId, t.actor, t.key] }), index('idempotency_keys_age').on(t.createdAt)],
)
