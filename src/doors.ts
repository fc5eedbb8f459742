import type { Tickets } from './chat/index.ts'
import type { Database } from './db/index.ts'
import type { Doors, Gateway } from './gateway/index.ts'
import type { Doorkeeper } from './http/index.ts'
import { createMemberDoor, outdatedScopes } from './tenancy/index.ts'
import type { Visitors } from './widgets/index.ts'

/** Who comes into the gateway by which namespace, and by what. */
export const gatewayDoors = (parts: {
  readonly db: Database
  readonly doorkeeper: Doorkeeper
  readonly visitors: Visitors
  readonly tickets: Tickets
}): Doors => ({
  allowsPage: parts.visitors.allowsPage,
  visitor: parts.visitors.admit,
  member: createMemberDoor(parts.doorkeeper),
  participant: parts.tickets.admit,
  renew: async (audience, scope, credential) => {
    if (audience === 'visitor') return parts.visitors.renew(scope, credential ?? '')
    // What lets members in is looked at again and again, and has no time of its own.
    return audience === 'participant' ? parts.tickets.renew(scope, credential ?? '') : null
  },
  revoked: scopes => outdatedScopes(parts.db, scopes),
})

/** A change of one of these may end what a connected member or key may do. */
const standings = new Set(['member', 'role', 'api_key', 'tenant'])

/** The gateway looks regularly; after such a change on this node it looks at once. */
export function recheckAfterChanges(db: Database, gateway: Gateway): void {
  db.after((_scope, event) => {
    if (event.type === 'changed' && standings.has(event.resourceType)) gateway.recheck()
  })
}
