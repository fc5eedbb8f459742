import type { z } from 'zod'
import { duplicateOf, type Transaction } from '../db/index.ts'
import { given } from '../http/index.ts'
import { difference, found, knownPermissions, ParleyError, requireAll, type Scope } from '../kernel/index.ts'
import {
  changeRoleRow,
  deleteAssignment,
  deleteRoleRow,
  insertAssignment,
  insertRole,
  membersWith,
  readRole,
} from './accessStore.ts'
import { requireRankOver } from './rank.ts'
import { readMember } from './store.ts'
import type { roleInput, rolePatch } from './wire.ts'

/** Custom roles add permissions to what a member's own role gives; they never take any away. */
export async function createRole(scope: Scope, tx: Transaction, input: z.output<typeof roleInput>) {
  requireAll(scope, input.permissions)
  const role = await named(async () => {
    const [row] = await insertRole(tx, { tenantId: scope.tenantId, ...input })
    return found(row, 'role')
  })
  await tx.emit({
    type: 'changed',
    action: 'role.created',
    resourceType: 'custom_role',
    resourceId: role.id,
    oldValues: null,
    newValues: { name: role.name, description: role.description, permissions: role.permissions },
  })
  return role
}

export async function updateRole(
  scope: Scope,
  tx: Transaction,
  id: string,
  patch: z.output<typeof rolePatch>,
) {
  const before = found(await readRole(tx, scope, id), 'role')
  requireAll(scope, [...knownPermissions(before.permissions), ...(patch.permissions ?? [])])
  const after = await named(async () => {
    const [row] = await changeRoleRow(tx, scope, id, given(patch))
    return found(row, 'role')
  })
  const { changed, ...values } = difference(before, after)
  if (changed) {
    await tx.emit({
      type: 'changed',
      action: 'role.updated',
      resourceType: 'custom_role',
      resourceId: id,
      ...values,
    })
  }
  return after
}

export async function deleteRole(scope: Scope, tx: Transaction, id: string): Promise<void> {
  const before = found(await readRole(tx, scope, id), 'role')
  // As for a change: whoever does not hold what it gives does not decide who has it.
  requireAll(scope, knownPermissions(before.permissions))
  const members = await membersWith(tx, scope, id)
  await deleteRoleRow(tx, scope, id)
  await tx.emit({
    type: 'changed',
    action: 'role.deleted',
    resourceType: 'custom_role',
    resourceId: id,
    oldValues: {
      name: before.name,
      description: before.description,
      permissions: before.permissions,
      members,
    },
    newValues: null,
  })
}

export async function assignRole(
  scope: Scope,
  tx: Transaction,
  memberId: string,
  roleId: string,
): Promise<void> {
  const role = found(await readRole(tx, scope, roleId), 'role')
  const member = found(await readMember(tx, scope, memberId), 'member')
  requireAll(scope, knownPermissions(role.permissions))
  requireRankOver(scope, member.role)
  const assignedBy = scope.actor.kind === 'member' ? scope.actor.memberId : null
  const rows = await insertAssignment(tx, { tenantId: scope.tenantId, memberId, roleId, assignedBy })
  if (rows.length > 0) await reportAssignment(tx, 'role.assigned', memberId, null, role.name)
}

export async function unassignRole(
  scope: Scope,
  tx: Transaction,
  memberId: string,
  roleId: string,
): Promise<void> {
  const role = found(await readRole(tx, scope, roleId), 'role')
  const member = found(await readMember(tx, scope, memberId), 'member')
  requireRankOver(scope, member.role)
  const rows = await deleteAssignment(tx, scope, memberId, roleId)
  if (rows.length > 0) await reportAssignment(tx, 'role.unassigned', memberId, role.name, null)
}

const reportAssignment = (
  tx: Transaction,
  action: string,
  memberId: string,
  before: string | null,
  after: string | null,
) =>
  tx.emit({
    type: 'changed',
    action,
    resourceType: 'member',
    resourceId: memberId,
    oldValues: before === null ? null : { customRole: before },
    newValues: after === null ? null : { customRole: after },
  })

async function named<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (duplicateOf(error) === 'custom_roles_name')
      throw new ParleyError('conflict', 'A role of this name exists already.')
    throw error
  }
}
