import type { z } from 'zod'
import type { Transaction } from '../db/index.ts'
import { given } from '../http/index.ts'
import { difference, found, ParleyError, permissionsOf, type Role, type Scope } from '../kernel/index.ts'
import { revokeKeysBeyond } from './keys.ts'
import { requireRankOver } from './rank.ts'
import { requireRoom } from './room.ts'
import {
  changeMemberRow,
  countMembers,
  deleteMember,
  lockMember,
  lockTenant,
  readMember,
  type TenantRow,
} from './store.ts'
import type { memberPatch } from './wire.ts'

export async function changeMember(
  scope: Scope,
  tx: Transaction,
  id: string,
  patch: z.output<typeof memberPatch>,
) {
  const tenant = await serialise(scope, tx)
  const before = found(await readMember(tx, scope, id), 'member')
  requireRankOver(scope, before.role, ...(patch.role ? [patch.role] : []))
  if (patch.status === 'active' && before.status !== 'active') await requireRoom(tx, scope, tenant)
  await changeMemberRow(tx, scope, id, given(patch))
  const after = found(await readMember(tx, scope, id), 'member')
  await requireAnOwner(scope, tx)
  if (after.role !== before.role || after.status !== 'active') {
    await revokeKeysBeyond(scope, tx, id, after.status === 'active' ? permissionsOf(after.role) : [])
  }
  // What they have is not theirs to answer any more.
  if (before.status === 'active' && (after.status !== 'active' || stopsAnswering(before.role, after.role)))
    await tx.emit({ type: 'member.leaves', memberId: id })
  const { changed, ...values } = difference(before, after)
  if (changed) {
    await tx.emit({
      type: 'changed',
      action: 'member.updated',
      resourceType: 'member',
      resourceId: id,
      ...values,
    })
  }
  return after
}

export async function removeMember(scope: Scope, tx: Transaction, id: string): Promise<void> {
  await serialise(scope, tx)
  const before = found(await readMember(tx, scope, id), 'member')
  requireRankOver(scope, before.role)
  await revokeKeysBeyond(scope, tx, id, [])
  await lockMember(tx, scope, id)
  await tx.emit({ type: 'member.leaves', memberId: id })
  await deleteMember(tx, scope, id)
  await requireAnOwner(scope, tx)
  await tx.emit({
    type: 'changed',
    action: 'member.removed',
    resourceType: 'member',
    resourceId: id,
    oldValues: { userId: before.userId, email: before.email, role: before.role, status: before.status },
    newValues: null,
  })
}

const answers = (role: Role): boolean => permissionsOf(role).includes('conversations:write')
const stopsAnswering = (before: Role, after: Role): boolean => answers(before) && !answers(after)

/** Changes of membership queue on the tenant's row: two owners demoting each other at once must not both succeed. */
async function serialise(scope: Scope, tx: Transaction): Promise<TenantRow> {
  return found(await lockTenant(tx, scope), 'workspace')
}

async function requireAnOwner(scope: Scope, tx: Transaction): Promise<void> {
  if ((await countMembers(tx, scope, { role: 'owner' })) === 0) {
    throw new ParleyError('conflict', 'A workspace keeps at least one active owner.')
  }
}
