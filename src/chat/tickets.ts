import { z } from 'zod'
import type { Database, Transaction } from '../db/index.ts'
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
import { keepActive, requireOpenTenant } from '../tenancy/index.ts'
import { senderOf } from './access.ts'
import { conversationStandings, readConversation } from './store.ts'
import { type Guest, guestStandings, insertTicket, isGood } from './ticketStore.ts'

/** Join tickets: they let a guest into one conversation, such as that of a meeting, for a while. */
export interface Tickets {
  issue(
    scope: Scope,
    tx: Transaction,
    conversationId: string,
    name: string,
    lifetimeSeconds: number,
    /** Of a guest who was invited before: the same one, for longer. */
    guestId?: string,
  ): Promise<SignedToken & { guestId: string }>
  /** The door of the gateway. */
  admit(auth: { readonly ticket: string }, knock: Knock): Promise<Admission>
  renew(scope: Scope, ticket: string): Promise<Date>
  /** Of the guests who are connected, those whose tickets were taken back, or whose conversation or workspace is gone. */
  unwelcome(scopes: readonly Scope[]): Promise<Map<Scope, 'unauthenticated' | 'tenant_suspended'>>
}

const claimsSchema = z.object({
  tenantId: z.uuid(),
  conversationId: z.uuid(),
  guestId: z.uuid(),
  name: z.string(),
  /** Those of earlier versions have none, and are good until they expire, a day at most. */
  ticketId: z.uuid().optional(),
})

export function createTickets({ db, vault }: { db: Database; vault: Vault }): Tickets {
  const signer = createTokenSigner(vault, 'join-ticket', claimsSchema)

  function opened(ticket: string) {
    const found = signer.open(ticket)
    if (found === 'expired') throw new ParleyError('token_expired')
    if (!found) throw new ParleyError('unauthenticated', 'This is not a join ticket.')
    return found
  }

  async function requireGood(
    tx: Transaction,
    scope: Scope,
    { ticketId, ...guest }: Guest & { readonly ticketId?: string | undefined },
  ): Promise<void> {
    if (ticketId !== undefined && !(await isGood(tx, scope, ticketId, guest)))
      throw new ParleyError('unauthenticated', 'The ticket was taken back.')
  }

  return {
    async issue(scope, tx, conversationId, name, lifetimeSeconds, guestId = newId()) {
      const { tenantId, actor } = scope
      // Whoever is being removed at this moment would leave a ticket behind.
      if (actor.kind === 'member' && (await keepActive(tx, tenantId, [actor.memberId])).size === 0)
        throw new ParleyError('unauthenticated')
      const ticketId = newId()
      const claims = { tenantId, conversationId, guestId, name, ticketId }
      const signed = signer.sign(claims, lifetimeSeconds)
      const { expiresAt } = signed
      const issuedBy = senderOf(scope).id
      await insertTicket(tx, scope, { id: ticketId, conversationId, guestId, issuedBy, expiresAt })
      return { guestId, ...signed }
    },
    async admit({ ticket }, { origin }) {
      const { claims, expiresAt } = opened(ticket)
      const { tenantId, ticketId, ...guest } = claims
      const scope: Scope = {
        tenantId,
        actor: { kind: 'guest', ...guest },
        permissions: noPermissions,
        origin,
      }
      const conversation = await db.scoped(scope, async tx => {
        await requireOpenTenant(tx, scope)
        await requireGood(tx, scope, { ...guest, ticketId })
        return readConversation(tx, scope, guest.conversationId)
      })
      if (!conversation) throw new ParleyError('unauthenticated', 'What the ticket is for is gone.')
      return { scope, self: { kind: 'guest', id: guest.guestId }, expiresAt }
    },
    unwelcome: scopes => unwelcomeGuests(db, scopes),
    async renew(scope, ticket) {
      const { tenantId, actor } = scope
      const { claims, expiresAt } = opened(ticket)
      const same =
        actor.kind === 'guest' &&
        claims.guestId === actor.guestId &&
        claims.conversationId === actor.conversationId &&
        claims.tenantId === tenantId
      if (!same)
        throw new ParleyError('unauthenticated', 'The ticket is of another guest, or for another place.')
      await db.scoped(scope, tx => requireGood(tx, scope, claims))
      return expiresAt
    },
  }
}

/** Guests whose tickets were all taken back, whose conversation is gone, and those of a workspace that is closed. */
export async function unwelcomeGuests(
  db: Database,
  scopes: readonly Scope[],
): Promise<Map<Scope, 'unauthenticated' | 'tenant_suspended'>> {
  const unwelcome = new Map<Scope, 'unauthenticated' | 'tenant_suspended'>()
  const guests = scopes.flatMap(scope => (scope.actor.kind === 'guest' ? [{ scope, ...scope.actor }] : []))
  for (const [tenantId, ofTenant] of Map.groupBy(guests, ({ scope }) => scope.tenantId)) {
    const lookup = systemScope(tenantId, 'tickets')
    const each = (field: keyof Guest) => [...new Set(ofTenant.map(guest => guest[field]))]
    const { places, people } = await db.scoped(lookup, async tx => ({
      places: await conversationStandings(tx, lookup, each('conversationId')),
      people: await guestStandings(tx, lookup, each('guestId')),
    }))
    const standing = new Map(places.map(({ id, tenantStatus }) => [id, tenantStatus]))
    const nameOf = ({ conversationId, guestId }: Guest) => `${conversationId} ${guestId}`
    const out = new Set(people.filter(({ welcome }) => !welcome).map(nameOf))
    for (const guest of ofTenant) {
      const status = standing.get(guest.conversationId)
      if (status === 'suspended') unwelcome.set(guest.scope, 'tenant_suspended')
      else if (status !== 'active' || out.has(nameOf(guest))) unwelcome.set(guest.scope, 'unauthenticated')
    }
  }
  return unwelcome
}
