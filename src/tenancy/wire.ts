import { z } from 'zod'
import { emailField, lineField, momentField, slugField } from '../http/index.ts'
import { permissions, roles } from '../kernel/index.ts'
import { invitationStatuses, memberStatuses, tenantStatuses, tiers } from './schema.ts'

/** What this room says and hears over HTTP. */

const moment = z.iso.datetime()
export const permissionField = z.enum(permissions)
export const roleField = z.enum(roles)
const permissionList = z.array(permissionField).min(1).max(permissions.length)

const brandingFields = z.strictObject({
  logo: z
    .url({ protocol: /^https$/ })
    .max(2_000)
    .optional(),
  primaryColor: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #1a2b3c')
    .optional(),
  secondaryColor: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #1a2b3c')
    .optional(),
  fontFamily: lineField(100).optional(),
})

const settingFields = z.strictObject({
  allowedProviders: z.array(lineField(50)).max(20).optional(),
  defaultModel: lineField(100).optional(),
  maxMembers: z.int().min(1).max(100_000).optional(),
  defaultLocale: lineField(35).optional(),
  timezone: lineField(64).optional(),
})

export const tenantView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    slug: z.string(),
    customDomain: z.string().nullable(),
    branding: brandingFields,
    settings: settingFields,
    plan: z.string(),
    status: z.enum(tenantStatuses),
    trialEndsAt: moment.nullable(),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Tenant' })

export const tenantInput = z.strictObject({ name: lineField(100), slug: slugField })

export const tenantPatch = z
  .strictObject({
    name: lineField(100).optional(),
    slug: slugField.optional(),
    customDomain: z
      .string()
      .toLowerCase()
      .regex(
        /^(?=.{4,253}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/,
        'must be a host name such as help.example.com',
      )
      .meta({ examples: ['help.example.com'] })
      .nullable()
      .optional(),
    branding: brandingFields.optional(),
    settings: settingFields.optional(),
  })
  .meta({ id: 'TenantPatch' })

export const platformPatch = z.strictObject({
  status: z.enum(tenantStatuses).optional(),
  plan: lineField(50).optional(),
  trialEndsAt: momentField.nullable().optional(),
})

export const memberView = z
  .object({
    id: z.uuid(),
    userId: z.uuid(),
    email: z.string(),
    name: z.string(),
    image: z.string().nullable(),
    role: roleField,
    status: z.enum(memberStatuses),
    tier: z.enum(tiers),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Member' })

export const memberPatch = z.strictObject({
  role: roleField.optional(),
  status: z.enum(memberStatuses).optional(),
  tier: z.enum(tiers).optional(),
})

export const invitationView = z
  .object({
    id: z.uuid(),
    email: z.string(),
    role: roleField,
    status: z.enum(invitationStatuses),
    expiresAt: moment,
    acceptedAt: moment.nullable(),
    createdAt: moment,
  })
  .meta({ id: 'Invitation' })

export const invitationInput = z.strictObject({ email: emailField, role: roleField })

export const acceptInput = z.strictObject({ token: z.string().min(10).max(200) })

export const keyView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    prefix: z.string().describe('How the key begins'),
    permissions: z.array(z.string()),
    expiresAt: moment.nullable(),
    lastUsedAt: moment.nullable(),
    revokedAt: moment.nullable(),
    createdAt: moment,
  })
  .meta({ id: 'ApiKey' })

export const newKeyView = z
  .object({ ...keyView.shape, key: z.string().describe('The key itself; shown once and stored nowhere') })
  .meta({ id: 'NewApiKey' })

export const keyInput = z.strictObject({
  name: lineField(100),
  permissions: permissionList,
  expiresAt: momentField.optional(),
})

export const roleView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    description: z.string().nullable(),
    permissions: z.array(z.string()),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'CustomRole' })

export const roleInput = z.strictObject({
  name: lineField(60),
  description: lineField(300).nullable().optional(),
  permissions: permissionList,
})

export const rolePatch = roleInput.partial()

export const meView = z
  .object({
    userId: z.uuid(),
    email: z.string(),
    emailVerified: z.boolean(),
    name: z.string(),
    masterAdmin: z.boolean(),
    memberships: z.array(
      z.object({
        tenantId: z.uuid(),
        memberId: z.uuid(),
        tenantName: z.string(),
        slug: z.string(),
        role: roleField,
        status: z.string(),
      }),
    ),
  })
  .meta({ id: 'Me' })

export const sessionView = z
  .object({
    id: z.uuid(),
    current: z.boolean(),
    ipAddress: z.string().nullable(),
    userAgent: z.string().nullable(),
    createdAt: moment,
    lastUsedAt: moment,
    expiresAt: moment,
  })
  .meta({ id: 'Session' })
