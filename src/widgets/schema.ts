import { boolean, foreignKey, jsonb, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core'
import { createdAt, id, oneOf, tenantId, updatedAt } from '../db/columns.ts'
import { tenants } from '../tenancy/schema.ts'

const settings = (name: string) => jsonb(name).$type<Record<string, unknown>>().notNull().default({})

/** One embeddable chat on a tenant's website. The script tag is derived from `public_key`, so it is not stored. */
export const widgets = pgTable(
  'widgets',
  {
    tenantId: tenantId().references(() => tenants.id, { onDelete: 'cascade' }),
    id: id(),
    name: text('name').notNull(),
    publicKey: text('public_key').notNull(),
    agentId: uuid('agent_id'),
    /** Host names that may embed it; `*.example.com` covers subdomains. Empty: nowhere. */
    allowedDomains: text('allowed_domains').array().notNull().default([]),
    appearance: settings('appearance'),
    behaviour: settings('behaviour'),
    launcher: settings('launcher'),
    chatWindow: settings('chat_window'),
    preChatForm: settings('pre_chat_form'),
    businessHours: settings('business_hours'),
    localeStrings: settings('locale_strings'),
    active: boolean('active').notNull().default(true),
    /** Nobody comes in without a signed identity. */
    identityRequired: boolean('identity_required').notNull().default(false),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('widgets_public_key').on(t.tenantId, t.publicKey),
    unique('widgets_name').on(t.tenantId, t.name),
  ],
)

export const identityAlgorithms = ['HS256', 'EdDSA'] as const

/** By what a widget knows that its site signed who a visitor is. Apart from widgets, so that reading one never reads a secret. */
export const widgetIdentities = pgTable(
  'widget_identities',
  {
    tenantId: tenantId().references(() => tenants.id, { onDelete: 'cascade' }),
    widgetId: uuid('widget_id').notNull(),
    algorithm: text('algorithm', { enum: identityAlgorithms }).notNull(),
    /** HS256: the secret, sealed. EdDSA: the public key, as PEM. */
    material: text('material').notNull(),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.widgetId] }),
    foreignKey({
      name: 'widget_identities_widget',
      columns: [t.tenantId, t.widgetId],
      foreignColumns: [widgets.tenantId, widgets.id],
    }).onDelete('cascade'),
    oneOf('widget_identities_algorithm', t.algorithm, identityAlgorithms),
  ],
)
