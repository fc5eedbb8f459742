import { type Database, duplicateOf } from '../db/index.ts'
import {
  found,
  hashToken,
  type Identity,
  type Origin,
  ParleyError,
  personScope,
  systemScope,
  tenantOfToken,
} from '../kernel/index.ts'
import { refuseClosedTenant } from './doorkeeper.ts'
import { invitationPrefix } from './invite.ts'
import { requireRoom } from './room.ts'
import { changeInvitation, insertMember, lockInvitation, lockTenant } from './store.ts'

/** The link in the mail proves the invitation; the verified address proves that it was meant for this person. */
export async function acceptInvitation(db: Database, identity: Identity, token: string) {
  const tenantId = tenantOfToken(invitationPrefix, token)
  const unknown = new ParleyError('not_found', 'The invitation is unknown, expired or used already.')
  if (tenantId === undefined) throw unknown
  if (!identity.emailVerified) throw new ParleyError('email_unverified')
  const scope = personScope(tenantId, identity)
  return db.scoped(scope, async tx => {
    // The tenant first, as whoever invites does: two orders would be a deadlock.
    const tenant = await lockTenant(tx, scope)
    if (!tenant) throw unknown
    const invitation = await lockInvitation(tx, scope, { tokenHash: hashToken(token) })
    if (invitation?.status !== 'pending' || invitation.expiresAt.getTime() < Date.now()) throw unknown
    if (invitation.email !== identity.email) {
      throw new ParleyError('forbidden', 'This invitation is for another address. Sign in with that one.')
    }
    refuseClosedTenant(tenant.status)
    await requireRoom(tx, scope, tenant)
    const { role } = invitation
    const [row] = await unlessMember(async () =>
      insertMember(tx, { tenantId, userId: identity.userId, role }),
    )
    const member = found(row, 'member')
    await changeInvitation(tx, scope, invitation.id, { status: 'accepted', acceptedAt: new Date() })
    await tx.emit({
      type: 'changed',
      action: 'member.joined',
      resourceType: 'member',
      resourceId: member.id,
      oldValues: null,
      newValues: { userId: identity.userId, email: identity.email, role, invitation: invitation.id },
    })
    return {
      tenantId,
      memberId: member.id,
      tenantName: tenant.name,
      slug: tenant.slug,
      role,
      status: member.status,
    }
  })
}

async function unlessMember<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (duplicateOf(error)) throw new ParleyError('conflict', 'You are a member of this workspace already.')
    throw error
  }
}

/** Whether a token is an open invitation of this address, for whoever cannot sign up without one. */
export async function isInvited(
  db: Database,
  origin: Origin,
  email: string,
  token: string,
): Promise<boolean> {
  const tenantId = tenantOfToken(invitationPrefix, token)
  if (tenantId === undefined) return false
  const scope = systemScope(tenantId, 'invitation', origin)
  const invitation = await db.scoped(scope, tx => lockInvitation(tx, scope, { tokenHash: hashToken(token) }))
  return (
    invitation?.status === 'pending' &&
    invitation.expiresAt.getTime() > Date.now() &&
    invitation.email === email
  )
}
