import { sql } from 'drizzle-orm'
import {
  boolean,
  foreignKey,
  index,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { createdAt, id, moment, oneOf, tenantId, updatedAt } from '../db/columns.ts'
import { type Permission, roles } from '../kernel/index.ts'
import { ownerUser } from './personSchema.ts'

export * from './personSchema.ts'

export const tenantStatuses = ['active', 'suspended', 'closed'] as const
export const memberStatuses = ['active', 'inactive', 'suspended'] as const
export const invitationStatuses = ['pending', 'accepted', 'expired', 'revoked'] as const
export const tiers = ['free', 'pro'] as const

export interface Branding {
  logo?: string | undefined
  primaryColor?: string | undefined
  secondaryColor?: string | undefined
  fontFamily?: string | undefined
}

export interface TenantSettings {
  allowedProviders?: string[] | undefined
  defaultModel?: string | undefined
  maxMembers?: number | undefined
  defaultLocale?: string | undefined
  timezone?: string | undefined
}

export const tenants = pgTable(
  'tenants',
  {
    id: id().primaryKey(),
    name: text('name').notNull(),
    slug: text('slug').notNull().unique(),
    customDomain: text('custom_domain').unique(),
    branding: jsonb('branding').$type<Branding>().notNull().default({}),
    settings: jsonb('settings').$type<TenantSettings>().notNull().default({}),
    plan: text('plan').notNull().default('free'),
    status: text('status', { enum: tenantStatuses }).notNull().default('active'),
    stripeCustomerId: text('stripe_customer_id'),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    trialEndsAt: moment('trial_ends_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [oneOf('tenants_status', t.status, tenantStatuses)],
)

const ofTenant = () => tenantId().references(() => tenants.id, { onDelete: 'cascade' })

export const members = pgTable(
  'members',
  {
    tenantId: ofTenant(),
    id: id(),
    userId: ownerUser(),
    role: text('role', { enum: roles }).notNull().default('member'),
    status: text('status', { enum: memberStatuses }).notNull().default('active'),
    tier: text('tier', { enum: tiers }).notNull().default('free'),
    settings: jsonb('settings').$type<Record<string, unknown>>().notNull().default({}),
    lastSeenAt: moment('last_seen_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('members_tenant_user').on(t.tenantId, t.userId),
    index('members_user').on(t.userId),
    oneOf('members_role', t.role, roles),
    oneOf('members_status', t.status, memberStatuses),
    oneOf('members_tier', t.tier, tiers),
  ],
)

export const invitations = pgTable(
  'invitations',
  {
    tenantId: ofTenant(),
    id: id(),
    email: text('email').notNull(),
    role: text('role', { enum: roles }).notNull(),
    invitedBy: uuid('invited_by'),
    tokenHash: text('token_hash').notNull(),
    status: text('status', { enum: invitationStatuses }).notNull().default('pending'),
    expiresAt: moment('expires_at').notNull(),
    acceptedAt: moment('accepted_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('invitations_token').on(t.tenantId, t.tokenHash),
    // One open invitation per address: inviting again replaces it.
    uniqueIndex('invitations_pending').on(t.tenantId, t.email).where(sql`${t.status} = 'pending'`),
    oneOf('invitations_role', t.role, roles),
    oneOf('invitations_status', t.status, invitationStatuses),
  ],
)

export const apiKeys = pgTable(
  'api_keys',
  {
    tenantId: ofTenant(),
    id: id(),
    name: text('name').notNull(),
    keyType: text('key_type', { enum: ['secret'] })
      .notNull()
      .default('secret'),
    /** Only a digest and the visible beginning are kept; the key itself is shown once. */
    hash: text('hash').notNull(),
    prefix: text('prefix').notNull(),
    permissions: text('permissions').array().$type<Permission[]>().notNull(),
    createdBy: uuid('created_by'),
    expiresAt: moment('expires_at'),
    lastUsedAt: moment('last_used_at'),
    revokedAt: moment('revoked_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [primaryKey({ columns: [t.tenantId, t.id] }), unique('api_keys_hash').on(t.tenantId, t.hash)],
)

export const customRoles = pgTable(
  'custom_roles',
  {
    tenantId: ofTenant(),
    id: id(),
    name: text('name').notNull(),
    description: text('description'),
    permissions: text('permissions').array().$type<Permission[]>().notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [primaryKey({ columns: [t.tenantId, t.id] }), unique('custom_roles_name').on(t.tenantId, t.name)],
)

export const roleAssignments = pgTable(
  'role_assignments',
  {
    tenantId: ofTenant(),
    id: id(),
    memberId: uuid('member_id').notNull(),
    roleId: uuid('role_id').notNull(),
    assignedBy: uuid('assigned_by'),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('role_assignments_member_role').on(t.tenantId, t.memberId, t.roleId),
    foreignKey({
      name: 'role_assignments_member',
      columns: [t.tenantId, t.memberId],
      foreignColumns: [members.tenantId, members.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'role_assignments_role',
      columns: [t.tenantId, t.roleId],
      foreignColumns: [customRoles.tenantId, customRoles.id],
    }).onDelete('cascade'),
  ],
)

export const ssoProviders = pgTable(
  'sso_providers',
  {
    tenantId: ofTenant(),
    id: id(),
    providerId: text('provider_id').notNull(),
    protocol: text('protocol', { enum: ['oidc', 'saml'] }).notNull(),
    issuer: text('issuer').notNull(),
    domain: text('domain').notNull(),
    oidcConfig: jsonb('oidc_config').$type<Record<string, unknown>>(),
    samlConfig: jsonb('saml_config').$type<Record<string, unknown>>(),
    active: boolean('active').notNull().default(true),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('sso_providers_provider').on(t.tenantId, t.providerId),
    oneOf('sso_providers_protocol', t.protocol, ['oidc', 'saml']),
  ],
)
