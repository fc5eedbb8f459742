import type { z } from 'zod'
import type { Transaction } from '../db/index.ts'
import { found, newTenantToken, ParleyError, type Scope, type Vault } from '../kernel/index.ts'
import { invitationMail } from './mails.ts'
import { queueMail } from './queueMail.ts'
import { requireRankOver } from './rank.ts'
import { requireRoom } from './room.ts'
import {
  changeInvitation,
  insertInvitation,
  lockInvitation,
  lockTenant,
  memberByEmail,
  readMember,
  recentInvitations,
  revokePendingFor,
} from './store.ts'
import type { invitationInput } from './wire.ts'

export const invitationPrefix = 'invite'
const validForMs = 7 * 24 * 3600 * 1000

export interface InviteParts {
  readonly vault: Vault
  readonly publicUrl: string
}

/** Invites an address by mail. Inviting it again revokes the earlier link. */
export async function invite(
  scope: Scope,
  tx: Transaction,
  parts: InviteParts,
  input: z.output<typeof invitationInput>,
) {
  requireRankOver(scope, input.role)
  const tenant = found(await lockTenant(tx, scope), 'workspace')
  if (await memberByEmail(tx, scope, input.email)) {
    throw new ParleyError('conflict', 'This address belongs to a member already.')
  }
  await requireRoom(tx, scope, tenant)
  await requireModeration(tx, scope, input.email)
  // A new link takes the earlier one away, which nobody may do to an invitation above their own rank.
  const replaced = await revokePendingFor(tx, scope, input.email)
  requireRankOver(scope, ...replaced.map(({ role }) => role))
  for (const { id } of replaced) await reportRevoked(tx, id)
  const { token, hash } = newTenantToken(invitationPrefix, scope.tenantId)
  const inviter =
    scope.actor.kind === 'member' ? await readMember(tx, scope, scope.actor.memberId) : undefined
  const [row] = await insertInvitation(tx, {
    tenantId: scope.tenantId,
    ...input,
    invitedBy: inviter?.id ?? null,
    tokenHash: hash,
    expiresAt: new Date(Date.now() + validForMs),
  })
  const invitation = found(row, 'invitation')
  const link = `${parts.publicUrl}/invitation#${token}`
  await queueMail(
    tx,
    parts.vault,
    invitationMail(input.email, tenant.name, inviter?.name ?? tenant.name, link),
  )
  await tx.emit({
    type: 'changed',
    action: 'invitation.created',
    resourceType: 'invitation',
    resourceId: invitation.id,
    oldValues: null,
    newValues: { email: input.email, role: input.role, expiresAt: invitation.expiresAt },
  })
  return invitation
}

export async function revokeInvitation(scope: Scope, tx: Transaction, id: string): Promise<void> {
  const row = found(await lockInvitation(tx, scope, { id }), 'invitation')
  if (row.status !== 'pending') throw new ParleyError('conflict', `The invitation is ${row.status} already.`)
  requireRankOver(scope, row.role)
  await changeInvitation(tx, scope, id, { status: 'revoked' })
  await reportRevoked(tx, id)
}

const reportRevoked = (tx: Transaction, id: string) =>
  tx.emit({
    type: 'changed',
    action: 'invitation.revoked',
    resourceType: 'invitation',
    resourceId: id,
    oldValues: { status: 'pending' },
    newValues: { status: 'revoked' },
  })

const perHour = { oneAddress: 5, workspace: 200 }

/** Our mails go to whom a member names; nobody gets to flood an inbox with them. */
async function requireModeration(tx: Transaction, scope: Scope, email: string): Promise<void> {
  const tooMany =
    (await recentInvitations(tx, scope, email)) >= perHour.oneAddress ||
    (await recentInvitations(tx, scope)) >= perHour.workspace
  if (tooMany)
    throw new ParleyError('rate_limited', 'Too many invitations within the hour.', { retryAfter: 600 })
}
