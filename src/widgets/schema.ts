import { boolean, jsonb, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core'
import { createdAt, id, tenantId, updatedAt } from '../db/columns.ts'
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
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('widgets_public_key').on(t.tenantId, t.publicKey),
    unique('widgets_name').on(t.tenantId, t.name),
  ],
)
