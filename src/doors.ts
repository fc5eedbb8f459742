import type { Tickets } from './chat/index.ts'
import type { Database } from './db/index.ts'
import type { Doors, Gateway } from './gateway/index.ts'
import type { Doorkeeper } from './http/index.ts'
import { noOrigin, ParleyError, type Scope } from './kernel/index.ts'
import { createMemberDoor, outdatedScopes } from './tenancy/index.ts'
import type { Visitors } from './widgets/index.ts'

interface DoorParts {
  readonly db: Database
  readonly doorkeeper: Doorkeeper
  readonly visitors: Visitors
  readonly tickets: Tickets
}

/** Who comes into the gateway by which namespace, and by what. */
export function gatewayDoors({ db, doorkeeper, visitors, tickets }: DoorParts): Doors {
  const member = createMemberDoor(doorkeeper)

  /** What lets members in has no time of its own; it is looked at anew, and what is presented must be of the same member or key. */
  async function renewMember(scope: Scope, credential: string | undefined): Promise<null> {
    if (credential === undefined) {
      const [reason] = (await outdatedScopes(db, [scope])).values()
      if (reason) throw new ParleyError(reason)
      return null
    }
    const auth = { token: credential, tenant: scope.tenantId }
    const { self } = await member(auth, { origin: noOrigin, headers: {}, widgetKey: undefined })
    const { actor } = scope
    if (self.id !== (actor.kind === 'member' ? actor.memberId : actor.kind === 'api_key' && actor.keyId))
      throw new ParleyError('unauthenticated', 'The credential is of somebody else.')
    return null
  }

  return {
    allowsPage: visitors.allowsPage,
    visitor: visitors.admit,
    member,
    participant: tickets.admit,
    renew: async (audience, scope, credential) => {
      if (audience === 'visitor') return visitors.renew(scope, credential ?? '')
      if (audience === 'participant') return tickets.renew(scope, credential ?? '')
      return renewMember(scope, credential)
    },
    revoked: async scopes => {
      const [members, ofVisitors, ofGuests] = await Promise.all([
        outdatedScopes(db, scopes),
        visitors.unwelcome(scopes),
        tickets.unwelcome(scopes),
      ])
      return new Map([...members, ...ofVisitors, ...ofGuests])
    },
  }
}

/** A change of one of these may end what somebody who is connected may do. */
const standings = new Set(['member', 'role', 'api_key', 'tenant', 'widget'])

/** The gateway looks regularly; after such a change on this node it looks at once. */
export function recheckAfterChanges(db: Database, gateway: Gateway): void {
  db.after((_scope, event) => {
    if (event.type === 'changed' && standings.has(event.resourceType)) gateway.recheck()
  })
}
