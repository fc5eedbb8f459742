import { z } from 'zod'
import type { Database } from '../db/index.ts'
import type { Admission, Knock } from '../gateway/index.ts'
import {
  createTokenSigner,
  newId,
  noPermissions,
  ParleyError,
  type Scope,
  type SignedToken,
  systemScope,
  type Vault,
} from '../kernel/index.ts'
import { requireOpenTenant } from '../tenancy/index.ts'
import { conversationStandings, readConversation } from './store.ts'

/** Join tickets: they let a guest into one conversation, such as that of a meeting, for a while. */
export interface Tickets {
  issue(
    scope: Scope,
    conversationId: string,
    name: string,
    lifetimeSeconds: number,
    /** Of a guest who was invited before: the same one, for longer. */
    guestId?: string,
  ): SignedToken & { guestId: string }
  /** The door of the gateway. */
  admit(auth: { readonly ticket: string }, knock: Knock): Promise<Admission>
  renew(scope: Scope, ticket: string): Date
  /** Of the guests who are connected, those whose conversation or workspace is gone. */
  unwelcome(scopes: readonly Scope[]): Promise<Map<Scope, 'unauthenticated' | 'tenant_suspended'>>
}

const claimsSchema = z.object({
  tenantId: z.uuid(),
  conversationId: z.uuid(),
  guestId: z.uuid(),
  name: z.string(),
})

export function createTickets({ db, vault }: { db: Database; vault: Vault }): Tickets {
  const signer = createTokenSigner(vault, 'join-ticket', claimsSchema)

  function opened(ticket: string) {
    const found = signer.open(ticket)
    if (found === 'expired') throw new ParleyError('token_expired')
    if (!found) throw new ParleyError('unauthenticated', 'This is not a join ticket.')
    return found
  }

  return {
    issue({ tenantId }, conversationId, name, lifetimeSeconds, guestId = newId()) {
      return { guestId, ...signer.sign({ tenantId, conversationId, guestId, name }, lifetimeSeconds) }
    },
    async admit({ ticket }, { origin }) {
      const { claims, expiresAt } = opened(ticket)
      const { tenantId, ...guest } = claims
      const scope: Scope = {
        tenantId,
        actor: { kind: 'guest', ...guest },
        permissions: noPermissions,
        origin,
      }
      const conversation = await db.scoped(scope, async tx => {
        await requireOpenTenant(tx, scope)
        return readConversation(tx, scope, guest.conversationId)
      })
      if (!conversation) throw new ParleyError('unauthenticated', 'What the ticket is for is gone.')
      return { scope, self: { kind: 'guest', id: guest.guestId }, expiresAt }
    },
    unwelcome: scopes => unwelcomeGuests(db, scopes),
    renew({ tenantId, actor }, ticket) {
      const { claims, expiresAt } = opened(ticket)
      const same =
        actor.kind === 'guest' &&
        claims.guestId === actor.guestId &&
        claims.conversationId === actor.conversationId &&
        claims.tenantId === tenantId
      if (!same)
        throw new ParleyError('unauthenticated', 'The ticket is of another guest, or for another place.')
      return expiresAt
    },
  }
}

async function unwelcomeGuests(
  db: Database,
  scopes: readonly Scope[],
): Promise<Map<Scope, 'unauthenticated' | 'tenant_suspended'>> {
  const placeOf = ({ actor }: Scope) => (actor.kind === 'guest' ? actor.conversationId : undefined)
  const unwelcome = new Map<Scope, 'unauthenticated' | 'tenant_suspended'>()
  const guests = scopes.filter(scope => placeOf(scope) !== undefined)
  for (const [tenantId, ofTenant] of Map.groupBy(guests, scope => scope.tenantId)) {
    const lookup = systemScope(tenantId, 'tickets')
    const ids = [...new Set(ofTenant.map(placeOf).filter(id => id !== undefined))]
    const rows = await db.scoped(lookup, tx => conversationStandings(tx, lookup, ids))
    const standing = new Map(rows.map(({ id, tenantStatus }) => [id, tenantStatus]))
    for (const scope of ofTenant) {
      const status = standing.get(placeOf(scope) ?? '')
      if (status === 'suspended') unwelcome.set(scope, 'tenant_suspended')
      else if (status !== 'active') unwelcome.set(scope, 'unauthenticated')
    }
  }
  return unwelcome
}
