import type { z } from 'zod'
import type { Transaction } from '../db/index.ts'
import {
  found,
  newTenantToken,
  ParleyError,
  type Permission,
  requireAll,
  type Scope,
} from '../kernel/index.ts'
import { insertKey, readKey, revokeKeyRow, usableKeysOf } from './accessStore.ts'
import { keyPrefix } from './doorkeeper.ts'
import { requireRankOver } from './rank.ts'
import type { keyInput } from './wire.ts'

const reachesMembers: ReadonlySet<Permission> = new Set(['members:write', 'roles:write'])

/** Enough to tell keys apart, too little to help guessing the rest. */
const shownLength = 6

/** A key for programs. It can do what its permissions say, and no more than whoever makes it. */
export async function createKey(scope: Scope, tx: Transaction, input: z.output<typeof keyInput>) {
  // A key that leaked must not outlive its revocation through keys that it made.
  if (scope.actor.kind === 'api_key')
    throw new ParleyError('forbidden', 'A key cannot make keys; a member can.')
  requireAll(scope, input.permissions)
  // Towards members a key stands as an admin (see rankOf), so a lower rank must not make one that reaches them.
  if (input.permissions.some(permission => reachesMembers.has(permission))) requireRankOver(scope, 'admin')
  const expiresAt = input.expiresAt === undefined ? null : new Date(input.expiresAt)
  if (expiresAt && expiresAt.getTime() <= Date.now()) {
    throw new ParleyError('invalid_request', undefined, {
      faults: [{ path: 'expiresAt', message: 'must be in the future' }],
    })
  }
  const { token, hash } = newTenantToken(keyPrefix, scope.tenantId)
  const [row] = await insertKey(tx, {
    tenantId: scope.tenantId,
    name: input.name,
    permissions: [...new Set(input.permissions)],
    hash,
    prefix: token.slice(0, keyPrefix.length + 1 + shownLength),
    createdBy: scope.actor.kind === 'member' ? scope.actor.memberId : null,
    expiresAt,
  })
  const key = found(row, 'key')
  await tx.emit({
    type: 'changed',
    action: 'key.created',
    resourceType: 'api_key',
    resourceId: key.id,
    oldValues: null,
    newValues: { name: key.name, permissions: key.permissions, expiresAt: key.expiresAt },
  })
  return { ...key, key: token }
}

/** Keys do not outlast the rights of whoever made them: what they may do beyond `kept` ends with the membership or the role. */
export async function revokeKeysBeyond(
  scope: Scope,
  tx: Transaction,
  memberId: string,
  kept: readonly Permission[],
): Promise<void> {
  for (const key of await usableKeysOf(tx, scope, memberId)) {
    if (key.permissions.some(permission => !kept.includes(permission))) await revokeKey(scope, tx, key.id)
  }
}

export async function revokeKey(scope: Scope, tx: Transaction, id: string): Promise<void> {
  const before = found(await readKey(tx, scope, id), 'key')
  const [after] = await revokeKeyRow(tx, scope, id)
  if (!after) return // Revoked before: the key is as the caller wants it.
  await tx.emit({
    type: 'changed',
    action: 'key.revoked',
    resourceType: 'api_key',
    resourceId: id,
    oldValues: { revokedAt: before.revokedAt },
    newValues: { revokedAt: after.revokedAt },
  })
}
