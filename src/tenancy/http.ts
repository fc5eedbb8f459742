import { z } from 'zod'
import {
  cursorId,
  idField,
  idParams,
  type PageRequest,
  pageOf,
  pageQuery,
  type Route,
  tenantRoute,
  toPage,
} from '../http/index.ts'
import { found } from '../kernel/index.ts'
import { listKeys, listRoles } from './accessStore.ts'
import { changeMember, removeMember } from './changeMember.ts'
import { assignRole, createRole, deleteRole, unassignRole, updateRole } from './customRoles.ts'
import { type InviteParts, invite, revokeInvitation } from './invite.ts'
import { createKey, revokeKey } from './keys.ts'
import { type InvitationRow, listInvitations, listMembers, readMember, readTenant } from './store.ts'
import { updateTenant } from './updateTenant.ts'
import {
  invitationInput,
  invitationView,
  keyInput,
  keyView,
  memberPatch,
  memberView,
  newKeyView,
  roleInput,
  rolePatch,
  roleView,
  tenantPatch,
  tenantView,
} from './wire.ts'

const pageFrom = (query: PageRequest) => ({ limit: query.limit, after: cursorId(query) })
const memberRole = z.strictObject({ id: idField, roleId: idField })

export function tenancyRoutes(parts: InviteParts): Route[] {
  return [...tenantRoutes(), ...memberRoutes(), ...invitationRoutes(parts), ...keyRoutes(), ...roleRoutes()]
}

function tenantRoutes(): Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/api/v1/tenant',
      tag: 'Workspace',
      summary: 'The workspace of this credential',
      permission: 'tenant:read',
      reply: tenantView,
      handle: async ({ scope, tx }) => found(await readTenant(tx, scope), 'workspace'),
    }),
    tenantRoute({
      method: 'patch',
      path: '/api/v1/tenant',
      tag: 'Workspace',
      summary: 'Change name, address, branding or settings',
      permission: 'tenant:write',
      body: tenantPatch,
      reply: tenantView,
      handle: ({ scope, tx, body }) => updateTenant(scope, tx, body),
    }),
  ]
}

function memberRoutes(): Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/api/v1/members',
      tag: 'Members',
      summary: 'Members, newest first',
      permission: 'members:read',
      query: pageQuery,
      reply: pageOf(memberView),
      handle: async ({ scope, tx, query }) => toPage(await listMembers(tx, scope, pageFrom(query)), query),
    }),
    tenantRoute({
      method: 'get',
      path: '/api/v1/members/{id}',
      tag: 'Members',
      summary: 'One member',
      permission: 'members:read',
      params: idParams,
      reply: memberView,
      handle: async ({ scope, tx, params }) => found(await readMember(tx, scope, params.id), 'member'),
    }),
    tenantRoute({
      method: 'patch',
      path: '/api/v1/members/{id}',
      tag: 'Members',
      summary: 'Change role, status or tier of a member',
      permission: 'members:write',
      params: idParams,
      body: memberPatch,
      reply: memberView,
      handle: ({ scope, tx, params, body }) => changeMember(scope, tx, params.id, body),
    }),
    tenantRoute({
      method: 'delete',
      path: '/api/v1/members/{id}',
      tag: 'Members',
      summary: 'Remove a member',
      permission: 'members:write',
      params: idParams,
      handle: ({ scope, tx, params }) => removeMember(scope, tx, params.id),
    }),
  ]
}

function invitationRoutes(parts: InviteParts): Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/api/v1/invitations',
      tag: 'Members',
      summary: 'Invitations, newest first',
      permission: 'members:read',
      query: pageQuery,
      reply: pageOf(invitationView),
      handle: async ({ scope, tx, query }) =>
        toPage((await listInvitations(tx, scope, pageFrom(query))).map(asOfNow), query),
    }),
    tenantRoute({
      method: 'post',
      path: '/api/v1/invitations',
      tag: 'Members',
      summary: 'Invite an address by mail',
      permission: 'members:write',
      idempotent: true,
      body: invitationInput,
      reply: invitationView,
      status: 201,
      handle: ({ scope, tx, body }) => invite(scope, tx, parts, body),
    }),
    tenantRoute({
      method: 'delete',
      path: '/api/v1/invitations/{id}',
      tag: 'Members',
      summary: 'Revoke a pending invitation',
      permission: 'members:write',
      params: idParams,
      handle: ({ scope, tx, params }) => revokeInvitation(scope, tx, params.id),
    }),
  ]
}

/** Nobody writes down that a week has passed. */
const asOfNow = (row: InvitationRow): InvitationRow =>
  row.status === 'pending' && row.expiresAt.getTime() < Date.now() ? { ...row, status: 'expired' } : row

function keyRoutes(): Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/api/v1/keys',
      tag: 'Keys',
      summary: 'API keys, newest first; never the keys themselves',
      permission: 'keys:read',
      query: pageQuery,
      reply: pageOf(keyView),
      handle: async ({ scope, tx, query }) => toPage(await listKeys(tx, scope, pageFrom(query)), query),
    }),
    tenantRoute({
      method: 'post',
      path: '/api/v1/keys',
      tag: 'Keys',
      summary: 'Make an API key; the answer is the only place where it is shown',
      permission: 'keys:write',
      idempotent: true,
      body: keyInput,
      reply: newKeyView,
      status: 201,
      handle: ({ scope, tx, body }) => createKey(scope, tx, body),
    }),
    tenantRoute({
      method: 'delete',
      path: '/api/v1/keys/{id}',
      tag: 'Keys',
      summary: 'Revoke an API key; it stops working at once',
      permission: 'keys:write',
      params: idParams,
      handle: ({ scope, tx, params }) => revokeKey(scope, tx, params.id),
    }),
  ]
}

function roleRoutes(): Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/api/v1/roles',
      tag: 'Roles',
      summary: 'Custom roles, newest first',
      permission: 'roles:read',
      query: pageQuery,
      reply: pageOf(roleView),
      handle: async ({ scope, tx, query }) => toPage(await listRoles(tx, scope, pageFrom(query)), query),
    }),
    tenantRoute({
      method: 'post',
      path: '/api/v1/roles',
      tag: 'Roles',
      summary: 'Make a custom role',
      permission: 'roles:write',
      idempotent: true,
      body: roleInput,
      reply: roleView,
      status: 201,
      handle: ({ scope, tx, body }) => createRole(scope, tx, body),
    }),
    tenantRoute({
      method: 'patch',
      path: '/api/v1/roles/{id}',
      tag: 'Roles',
      summary: 'Change a custom role for everyone who has it',
      permission: 'roles:write',
      params: idParams,
      body: rolePatch,
      reply: roleView,
      handle: ({ scope, tx, params, body }) => updateRole(scope, tx, params.id, body),
    }),
    tenantRoute({
      method: 'delete',
      path: '/api/v1/roles/{id}',
      tag: 'Roles',
      summary: 'Delete a custom role',
      permission: 'roles:write',
      params: idParams,
      handle: ({ scope, tx, params }) => deleteRole(scope, tx, params.id),
    }),
    tenantRoute({
      method: 'put',
      path: '/api/v1/members/{id}/roles/{roleId}',
      tag: 'Roles',
      summary: 'Give a member a custom role',
      permission: 'roles:write',
      params: memberRole,
      handle: ({ scope, tx, params }) => assignRole(scope, tx, params.id, params.roleId),
    }),
    tenantRoute({
      method: 'delete',
      path: '/api/v1/members/{id}/roles/{roleId}',
      tag: 'Roles',
      summary: 'Take a custom role from a member',
      permission: 'roles:write',
      params: memberRole,
      handle: ({ scope, tx, params }) => unassignRole(scope, tx, params.id, params.roleId),
    }),
  ]
}
