import { z } from 'zod'
import type { Database } from '../db/index.ts'
import type { Admission, Knock } from '../gateway/index.ts'
import {
  createTokenSigner,
  newId,
  ParleyError,
  type Scope,
  type SignedToken,
  type Vault,
} from '../kernel/index.ts'
import { requireOpenTenant } from '../tenancy/index.ts'
import { readConversation } from './store.ts'

/** Join tickets: they let a guest into one conversation, such as that of a meeting, for a while. */
export interface Tickets {
  issue(
    scope: Scope,
    conversationId: string,
    name: string,
    lifetimeSeconds: number,
  ): SignedToken & { guestId: string }
  /** The door of the gateway. */
  admit(auth: { readonly ticket: string }, knock: Knock): Promise<Admission>
  renew(scope: Scope, ticket: string): Date
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
    issue({ tenantId }, conversationId, name, lifetimeSeconds) {
      const guestId = newId()
      return { guestId, ...signer.sign({ tenantId, conversationId, guestId, name }, lifetimeSeconds) }
    },
    async admit({ ticket }, { origin }) {
      const { claims, expiresAt } = opened(ticket)
      const { tenantId, ...guest } = claims
      const scope: Scope = { tenantId, actor: { kind: 'guest', ...guest }, permissions: new Set(), origin }
      const conversation = await db.scoped(scope, async tx => {
        await requireOpenTenant(tx, scope)
        return readConversation(tx, scope, guest.conversationId)
      })
      if (!conversation) throw new ParleyError('unauthenticated', 'What the ticket is for is gone.')
      return { scope, self: { kind: 'guest', id: guest.guestId }, expiresAt }
    },
    renew({ tenantId, actor }, ticket) {
      const { claims, expiresAt } = opened(ticket)
      if (actor.kind !== 'guest' || claims.guestId !== actor.guestId || claims.tenantId !== tenantId)
        throw new ParleyError('unauthenticated', 'The ticket is of another guest.')
      return expiresAt
    },
  }
}
