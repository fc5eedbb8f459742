/**
 * Who may do what, as one table. Routes and commands name the permission they need; nothing else compares roles.
 */
export const permissions = [
  'tenant:read',
  'tenant:write',
  'members:read',
  'members:write',
  'roles:read',
  'roles:write',
  'keys:read',
  'keys:write',
  'contacts:read',
  'contacts:write',
  'widgets:read',
  'widgets:write',
  'conversations:read',
  'conversations:write',
  'knowledge:read',
  'knowledge:write',
  'agents:read',
  'agents:write',
  'usage:read',
  'usage:write',
  'audit:read',
] as const

export type Permission = (typeof permissions)[number]

export const roles = ['owner', 'admin', 'agent_admin', 'support_agent', 'member'] as const

export type Role = (typeof roles)[number]

const everything: readonly Permission[] = permissions

const rolePermissions: Readonly<Record<Role, readonly Permission[]>> = {
  owner: everything,
  admin: everything,
  agent_admin: [
    'tenant:read',
    'members:read',
    'roles:read',
    'contacts:read',
    'contacts:write',
    'widgets:read',
    'widgets:write',
    'conversations:read',
    'conversations:write',
    'knowledge:read',
    'knowledge:write',
    'agents:read',
    'agents:write',
    'usage:read',
  ],
  support_agent: [
    'tenant:read',
    'members:read',
    'contacts:read',
    'contacts:write',
    'widgets:read',
    'conversations:read',
    'conversations:write',
    'knowledge:read',
    'agents:read',
  ],
  member: ['tenant:read', 'members:read'],
}

export const permissionsOf = (role: Role): readonly Permission[] => rolePermissions[role]

/** Roles by rank. Nobody gives, takes or changes a role above their own. */
const rank: Readonly<Record<Role, number>> = {
  owner: 4,
  admin: 3,
  agent_admin: 2,
  support_agent: 1,
  member: 0,
}

export const outranks = (role: Role, other: Role): boolean => rank[role] > rank[other]

/** A permission stored by an older or newer version of the program means nothing here. */
export const knownPermissions = (stored: readonly string[]): Permission[] =>
  permissions.filter(permission => stored.includes(permission))
