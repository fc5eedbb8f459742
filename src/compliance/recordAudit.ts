import type { Transaction } from '../db/index.ts'
import type { Actor, EventWithin, Scope } from '../kernel/index.ts'
import { insertAuditLog } from './store.ts'

/** Writes down a change in the transaction that makes it: there is no change without its entry, and no entry without its change. */
export async function recordAudit(scope: Scope, tx: Transaction, event: EventWithin): Promise<void> {
  if (event.type !== 'changed') return
  const { action, resourceType, resourceId, oldValues, newValues } = event
  const { actor, origin } = event.by ?? scope
  await insertAuditLog(tx, {
    tenantId: scope.tenantId,
    ...actorColumns(actor),
    action,
    resourceType,
    resourceId,
    oldValues,
    newValues,
    ipAddress: origin.ipAddress,
    userAgent: origin.userAgent,
    requestId: origin.requestId,
  })
}

function actorColumns(actor: Actor): { actorKind: string; actorId: string | null; userId: string | null } {
  switch (actor.kind) {
    case 'member':
      return { actorKind: 'member', actorId: actor.memberId, userId: actor.userId }
    case 'api_key':
      return { actorKind: 'api_key', actorId: actor.keyId, userId: null }
    case 'visitor':
      return { actorKind: 'visitor', actorId: actor.contactId, userId: null }
    case 'guest':
      return { actorKind: 'guest', actorId: actor.guestId, userId: null }
    case 'platform':
      return { actorKind: 'platform', actorId: null, userId: actor.userId }
    case 'person':
      return { actorKind: 'person', actorId: null, userId: actor.userId }
    case 'system':
      return { actorKind: `system:${actor.name}`, actorId: null, userId: null }
  }
}
