import { generateKeyPairSync } from 'node:crypto'
import { newId } from '../../../src/kernel/index.ts'
import { agentRoutes } from './agentRoutes.ts'
import { conversationRoutes } from './conversationRoutes.ts'
import { deskRoutes } from './deskRoutes.ts'
import { searchRoutes } from './searchRoutes.ts'
import { sourceRoutes } from './sourceRoutes.ts'
import { usageRoutes } from './usageRoutes.ts'
import type { Maker } from './world.ts'

/**
 * Every route inside a workspace: the permission that it needs, written down here a second time on purpose, and a request
 * that is right for the workspace of `make`. A path that names a thing names one of that workspace.
 */
export interface TenantEntry {
  readonly permission: string
  readonly status: 200 | 201 | 204
  readonly request: (make: Maker) => Promise<Request>
  /** No key may, whatever it holds. */
  readonly membersOnly?: true
  /** The audit entry of a change: what was done, and whether it has values from before, from after, or both. */
  readonly audit?: readonly [action: string, values: 'new' | 'old' | 'both']
  /** It changes nothing, though it is no GET. */
  readonly reads?: true
}

export interface Request {
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

const at =
  (path: string, body?: unknown): TenantEntry['request'] =>
  () =>
    Promise.resolve(body === undefined ? { path } : { path, body })

/** What each role may do by itself, written down a second time on purpose. */
const support = [
  'knowledge:read',
  'tenant:read',
  'members:read',
  'contacts:read',
  'contacts:write',
  'widgets:read',
  'conversations:read',
  'conversations:write',
  'agents:read',
]
const all = [
  ...support,
  'tenant:write',
  'members:write',
  'roles:read',
  'roles:write',
  'keys:read',
  'keys:write',
  'widgets:write',
  'knowledge:write',
  'agents:write',
  'usage:read',
  'usage:write',
  'audit:read',
]
export const allPermissions: readonly string[] = all

/** Held by everyone who is tried, so that a request to hand it on is refused for no other reason than the route's own permission. */
export const common = 'tenant:read'

export const roleTable: Readonly<Record<string, readonly string[]>> = {
  owner: all,
  admin: all,
  agent_admin: [...support, 'roles:read', 'widgets:write', 'knowledge:write', 'agents:write', 'usage:read'],
  support_agent: support,
  member: ['tenant:read', 'members:read'],
}

export const tenantRoutes: Readonly<Record<string, TenantEntry>> = {
  'GET /api/v1/tenant': { permission: 'tenant:read', status: 200, request: at('/api/v1/tenant') },
  'PATCH /api/v1/tenant': {
    permission: 'tenant:write',
    status: 200,
    request: async () => ({ path: '/api/v1/tenant', body: { branding: { fontFamily: `font ${newId()}` } } }),
    audit: ['tenant.updated', 'both'],
  },

  'GET /api/v1/members': { permission: 'members:read', status: 200, request: at('/api/v1/members') },
  'GET /api/v1/members/{id}': {
    permission: 'members:read',
    status: 200,
    request: async make => ({ path: `/api/v1/members/${(await make.member()).memberId}` }),
  },
  'PATCH /api/v1/members/{id}': {
    permission: 'members:write',
    status: 200,
    request: async make => ({
      path: `/api/v1/members/${(await make.member()).memberId}`,
      body: { tier: 'pro' },
    }),
    audit: ['member.updated', 'both'],
  },
  'DELETE /api/v1/members/{id}': {
    permission: 'members:write',
    status: 204,
    request: async make => ({ path: `/api/v1/members/${(await make.member()).memberId}` }),
    audit: ['member.removed', 'old'],
  },

  'GET /api/v1/invitations': { permission: 'members:read', status: 200, request: at('/api/v1/invitations') },
  'POST /api/v1/invitations': {
    permission: 'members:write',
    status: 201,
    request: async () => ({
      path: '/api/v1/invitations',
      body: { email: `${newId()}@new.example`, role: 'member' },
    }),
    audit: ['invitation.created', 'new'],
  },
  'DELETE /api/v1/invitations/{id}': {
    permission: 'members:write',
    status: 204,
    request: async make => ({ path: `/api/v1/invitations/${(await make.invitation()).id}` }),
    audit: ['invitation.revoked', 'both'],
  },

  'GET /api/v1/keys': { permission: 'keys:read', status: 200, request: at('/api/v1/keys') },
  'POST /api/v1/keys': {
    permission: 'keys:write',
    status: 201,
    request: at('/api/v1/keys', { name: 'a key', permissions: [common] }),
    membersOnly: true,
    audit: ['key.created', 'new'],
  },
  'DELETE /api/v1/keys/{id}': {
    permission: 'keys:write',
    status: 204,
    request: async make => ({ path: `/api/v1/keys/${(await make.key([common])).id}` }),
    audit: ['key.revoked', 'both'],
  },

  'GET /api/v1/roles': { permission: 'roles:read', status: 200, request: at('/api/v1/roles') },
  'POST /api/v1/roles': {
    permission: 'roles:write',
    status: 201,
    request: async () => ({
      path: '/api/v1/roles',
      body: { name: `role ${newId()}`, permissions: [common] },
    }),
    audit: ['role.created', 'new'],
  },
  'PATCH /api/v1/roles/{id}': {
    permission: 'roles:write',
    status: 200,
    request: async make => ({
      path: `/api/v1/roles/${await make.role([common])}`,
      body: { description: 'changed' },
    }),
    audit: ['role.updated', 'both'],
  },
  'DELETE /api/v1/roles/{id}': {
    permission: 'roles:write',
    status: 204,
    request: async make => ({ path: `/api/v1/roles/${await make.role([common])}` }),
    audit: ['role.deleted', 'old'],
  },
  'PUT /api/v1/members/{id}/roles/{roleId}': {
    permission: 'roles:write',
    status: 204,
    request: async make => {
      const [{ memberId }, roleId] = [await make.member(), await make.role([common])]
      return { path: `/api/v1/members/${memberId}/roles/${roleId}` }
    },
    audit: ['role.assigned', 'new'],
  },
  'DELETE /api/v1/members/{id}/roles/{roleId}': {
    permission: 'roles:write',
    status: 204,
    request: async make => {
      const [{ memberId }, roleId] = [await make.member(), await make.role([common])]
      await make.assign(memberId, roleId)
      return { path: `/api/v1/members/${memberId}/roles/${roleId}` }
    },
    audit: ['role.unassigned', 'old'],
  },

  'GET /api/v1/contacts': { permission: 'contacts:read', status: 200, request: at('/api/v1/contacts') },
  'POST /api/v1/contacts': {
    permission: 'contacts:write',
    status: 201,
    request: at('/api/v1/contacts', { name: 'Somebody' }),
    audit: ['contact.created', 'new'],
  },
  'GET /api/v1/contacts/{id}': {
    permission: 'contacts:read',
    status: 200,
    request: async make => ({ path: `/api/v1/contacts/${await make.contact()}` }),
  },
  'PATCH /api/v1/contacts/{id}': {
    permission: 'contacts:write',
    status: 200,
    request: async make => ({ path: `/api/v1/contacts/${await make.contact()}`, body: { phone: '123' } }),
    audit: ['contact.updated', 'both'],
  },
  'DELETE /api/v1/contacts/{id}': {
    permission: 'contacts:write',
    status: 204,
    request: async make => ({ path: `/api/v1/contacts/${await make.contact()}` }),
    audit: ['contact.deleted', 'old'],
  },

  'GET /api/v1/widgets': { permission: 'widgets:read', status: 200, request: at('/api/v1/widgets') },
  'POST /api/v1/widgets': {
    permission: 'widgets:write',
    status: 201,
    request: async () => ({ path: '/api/v1/widgets', body: { name: `widget ${newId()}` } }),
    audit: ['widget.created', 'new'],
  },
  'GET /api/v1/widgets/{id}': {
    permission: 'widgets:read',
    status: 200,
    request: async make => ({ path: `/api/v1/widgets/${await make.widget()}` }),
  },
  'PATCH /api/v1/widgets/{id}': {
    permission: 'widgets:write',
    status: 200,
    request: async make => ({ path: `/api/v1/widgets/${await make.widget()}`, body: { active: false } }),
    audit: ['widget.updated', 'both'],
  },
  'DELETE /api/v1/widgets/{id}': {
    permission: 'widgets:write',
    status: 204,
    request: async make => ({ path: `/api/v1/widgets/${await make.widget()}` }),
    audit: ['widget.deleted', 'old'],
  },

  'GET /api/v1/widgets/{id}/identity': {
    permission: 'widgets:read',
    status: 200,
    request: async make => ({ path: `/api/v1/widgets/${await make.widget()}/identity` }),
  },
  'POST /api/v1/widgets/{id}/identity-secret': {
    permission: 'keys:write',
    status: 201,
    request: async make => ({ path: `/api/v1/widgets/${await make.widget()}/identity-secret` }),
    membersOnly: true,
    audit: ['widget.identity_set', 'new'],
  },
  'PUT /api/v1/widgets/{id}/identity-key': {
    permission: 'keys:write',
    status: 204,
    request: async make => ({
      path: `/api/v1/widgets/${await make.widget()}/identity-key`,
      body: { publicKey: JSON.stringify(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })) },
    }),
    membersOnly: true,
    audit: ['widget.identity_set', 'new'],
  },
  'DELETE /api/v1/widgets/{id}/identity': {
    permission: 'keys:write',
    status: 204,
    request: async make => ({ path: `/api/v1/widgets/${await make.widgetWithIdentity()}/identity` }),
    audit: ['widget.identity_removed', 'old'],
  },

  ...conversationRoutes,
  ...deskRoutes,
  ...usageRoutes,
  ...searchRoutes,
  ...sourceRoutes,
  ...agentRoutes,

  'GET /api/v1/audit': { permission: 'audit:read', status: 200, request: at('/api/v1/audit') },
}
