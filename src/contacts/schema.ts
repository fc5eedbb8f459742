import { boolean, index, jsonb, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core'
import { createdAt, id, moment, tenantId, updatedAt } from '../db/columns.ts'
import { tenants } from '../tenancy/schema.ts'

/** The people a tenant talks with: visitors of its site, senders of its mail, callers of its meetings. */
export const contacts = pgTable(
  'contacts',
  {
    tenantId: tenantId().references(() => tenants.id, { onDelete: 'cascade' }),
    id: id(),
    /** The tenant's own name for the person, proved by a signed identity. */
    externalId: text('external_id'),
    email: text('email'),
    name: text('name'),
    phone: text('phone'),
    avatar: text('avatar'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    tags: text('tags').array().notNull().default([]),
    verified: boolean('verified').notNull().default(false),
    firstSeenAt: moment('first_seen_at').notNull().defaultNow(),
    lastSeenAt: moment('last_seen_at').notNull().defaultNow(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('contacts_external').on(t.tenantId, t.externalId),
    index('contacts_email').on(t.tenantId, t.email),
    index('contacts_last_seen').on(t.tenantId, t.lastSeenAt),
  ],
)

/**
 * Contacts that are no more, so that nothing a visitor still holds brings them back: deleted, or merged into another one. Kept for as
 * long as such tokens live. Their key to contacts is written by hand in the migrations: it clears only its own column, and who was merged into
 * a contact that is deleted is deleted with it.
 */
export const formerContacts = pgTable(
  'former_contacts',
  {
    tenantId: tenantId().references(() => tenants.id, { onDelete: 'cascade' }),
    id: id(),
    /** Who they turned out to be. */
    successorId: uuid('successor_id'),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('former_contacts_successor').on(t.tenantId, t.successorId),
  ],
)
