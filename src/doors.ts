import type { Tickets } from './chat/index.ts'
import type { Database } from './db/index.ts'
import type { Doors, Gateway, Over } from './gateway/index.ts'
import type { Doorkeeper } from './http/index.ts'
import {
  type DomainEvent,
  eachOf,
  type Log,
  type Metrics,
  noOrigin,
  ParleyError,
  type Scope,
} from './kernel/index.ts'
import type { ErrorCode } from './protocol/index.ts'
import { createMemberDoor, outdatedScopes, withEndedSession } from './tenancy/index.ts'
import type { Visitors } from './widgets/index.ts'

interface DoorParts {
  readonly db: Database
  readonly doorkeeper: Doorkeeper
  readonly visitors: Visitors
  readonly tickets: Tickets
  readonly log: Log
  readonly metrics: Metrics
}

/** Who comes into the gateway by which namespace, and by what. */
export function gatewayDoors(parts: DoorParts): Doors {
  const { db, doorkeeper, visitors, tickets } = parts
  const member = createMemberDoor(doorkeeper)

  /** Whoever is not let in here at all is somebody else, whatever else is the matter with them. */
  const admitted = (auth: { token: string; tenant: string }) =>
    member(auth, { origin: noOrigin, headers: {}, widgetKey: undefined }).catch(error => {
      if (error instanceof ParleyError && error.code === 'forbidden')
        throw new ParleyError('unauthenticated', 'The credential is of somebody else.', { cause: error })
      throw error
    })

  /** What lets members in has no time of its own; it is looked at anew, and what is presented must be of the same member or key. */
  async function renewMember(scope: Scope, credential: string | undefined): Promise<null> {
    if (credential === undefined) {
      const [reason] = (await outdatedScopes(db, [scope])).values()
      if (reason) throw new ParleyError(reason)
      return null
    }
    const auth = { token: credential, tenant: scope.tenantId }
    const { self } = await admitted(auth)
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
    revoked: (scopes, over) => tellRevoked(parts, scopes, over),
  }
}

/** So many workspaces are looked at at a time: connections to the database are for those who chat, too. */
const tenantsAtOnce = 4

type Checks = Omit<DoorParts, 'doorkeeper'>

/** Workspace by workspace, so that one that cannot be looked at keeps nobody of another one in. */
async function tellRevoked(parts: Checks, scopes: readonly Scope[], over: Over): Promise<void> {
  const { db, visitors, tickets } = parts
  const attempt = async (what: string, tenantId: string | null, work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      // The database is away, or this of it: nobody is cut off for that, and the next look follows soon.
      parts.metrics.uncheckedCredentials.inc({ of: what })
      parts.log.warn({ err: error, tenantId, of: what }, 'credentials could not be checked')
    }
  }
  const tell = (found: ReadonlyMap<Scope, ErrorCode>) => {
    for (const [scope, code] of found) over(scope, code)
  }
  let ended: readonly Scope[] = []
  await attempt('sessions', null, async () => {
    ended = await withEndedSession(db, scopes)
  })
  const endedIn = Map.groupBy(ended, ({ tenantId }) => tenantId)
  await eachOf(
    Map.groupBy(scopes, ({ tenantId }) => tenantId),
    tenantsAtOnce,
    async ([tenantId, ofTenant]) => {
      const signedOut = endedIn.get(tenantId) ?? []
      await attempt('members', tenantId, async () => {
        tell(
          await outdatedScopes(db, ofTenant, signedOut).catch(error => {
            // Of these it is known already.
            for (const scope of signedOut) over(scope, 'unauthenticated')
            throw error
          }),
        )
      })
      await attempt('visitors', tenantId, async () => tell(await visitors.unwelcome(ofTenant)))
      await attempt('guests', tenantId, async () => tell(await tickets.unwelcome(ofTenant)))
    },
  )
}

/** A change of one of these may end what somebody who is connected may do. */
const standings = new Set(['member', 'role', 'api_key', 'tenant', 'widget'])

/** Contacts come and are described all the time; only that one goes, or is somebody, or somebody else, ends anything. */
const endsAStay = (event: DomainEvent): boolean =>
  event.type === 'contact.merged' ||
  (event.type === 'changed' &&
    (standings.has(event.resourceType) ||
      event.action === 'contact.deleted' ||
      event.action === 'conversation.guest_removed' ||
      (event.action === 'contact.updated' &&
        (event.newValues?.verified === true || event.newValues?.externalId !== undefined))))

/** The gateway looks regularly; after such a change on this node it looks at once. */
export function recheckAfterChanges(db: Database, gateway: Gateway): void {
  db.after((_scope, event) => {
    if (endsAStay(event)) gateway.recheck()
  })
}
