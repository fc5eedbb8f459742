import { boolean, index, integer, jsonb, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core'
import { createdAt, id, moment, oneOf, updatedAt } from '../db/columns.ts'

/** A person, who may belong to many tenants. The tables of this file belong to the person, not to a tenant. */
export const users = pgTable(
  'users',
  {
    id: id().primaryKey(),
    email: text('email').notNull().unique(),
    name: text('name').notNull(),
    username: text('username').unique(),
    emailVerified: boolean('email_verified').notNull().default(false),
    image: text('image'),
    platformRole: text('platform_role', { enum: ['user', 'master_admin'] })
      .notNull()
      .default('user'),
    twoFactorEnabled: boolean('two_factor_enabled').notNull().default(false),
    settings: jsonb('settings').$type<Record<string, unknown>>().notNull().default({}),
    lastLoginAt: moment('last_login_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [oneOf('users_platform_role', t.platformRole, ['user', 'master_admin'])],
)

export const ownerUser = () =>
  uuid('user_id')
    .notNull()
    .references(() => users.id, { onDelete: 'cascade' })

export const authSessions = pgTable(
  'auth_sessions',
  {
    id: id().primaryKey(),
    token: text('token').notNull().unique(),
    userId: ownerUser(),
    expiresAt: moment('expires_at').notNull(),
    ipAddress: text('ip_address'),
    userAgent: text('user_agent'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [index('auth_sessions_user').on(t.userId)],
)

export const accounts = pgTable(
  'accounts',
  {
    id: id().primaryKey(),
    accountId: text('account_id').notNull(),
    providerId: text('provider_id').notNull(),
    userId: ownerUser(),
    accessToken: text('access_token'),
    refreshToken: text('refresh_token'),
    idToken: text('id_token'),
    accessTokenExpiresAt: moment('access_token_expires_at'),
    refreshTokenExpiresAt: moment('refresh_token_expires_at'),
    scope: text('scope'),
    password: text('password'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    unique('accounts_provider_account').on(t.providerId, t.accountId),
    index('accounts_user').on(t.userId),
  ],
)

export const verifications = pgTable(
  'verifications',
  {
    id: id().primaryKey(),
    identifier: text('identifier').notNull(),
    value: text('value').notNull(),
    expiresAt: moment('expires_at').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [index('verifications_identifier').on(t.identifier)],
)

export const twoFactors = pgTable(
  'two_factors',
  {
    id: id().primaryKey(),
    userId: ownerUser(),
    secret: text('secret').notNull(),
    backupCodes: text('backup_codes').notNull(),
    verified: boolean('verified').notNull().default(true),
    failedVerificationCount: integer('failed_verification_count').notNull().default(0),
    lockedUntil: moment('locked_until'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [index('two_factors_user').on(t.userId)],
)

export const trustedDevices = pgTable(
  'trusted_devices',
  {
    id: id().primaryKey(),
    userId: ownerUser(),
    fingerprint: text('fingerprint').notNull(),
    name: text('name').notNull(),
    ipAddress: text('ip_address'),
    trustedAt: moment('trusted_at').notNull().defaultNow(),
    lastSeenAt: moment('last_seen_at'),
    expiresAt: moment('expires_at'),
    createdAt: createdAt(),
  },
  t => [unique('trusted_devices_fingerprint').on(t.userId, t.fingerprint)],
)

/**
 * Which workspace an Idempotency-Key is to make: reserved before there is a tenant in which the key could be kept. Whether the
 * workspace was made is known there alone, so nothing here says so.
 */
export const foundingKeys = pgTable(
  'founding_keys',
  {
    userId: ownerUser(),
    key: text('key').notNull(),
    /** The id that the tenant has or will have; no foreign key, because it need not exist. */
    reserved: uuid('reserved').notNull(),
    createdAt: createdAt(),
  },
  t => [primaryKey({ columns: [t.userId, t.key] }), index('founding_keys_age').on(t.createdAt)],
)

/** Codes of an authenticator app that have let somebody in, as digests: none does so twice (RFC 6238, 5.2). */
export const spentCodes = pgTable(
  'spent_codes',
  {
    userId: ownerUser(),
    digest: text('digest').notNull(),
    createdAt: createdAt(),
  },
  t => [primaryKey({ columns: [t.userId, t.digest] }), index('spent_codes_age').on(t.createdAt)],
)
