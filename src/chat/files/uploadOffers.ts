import { z } from 'zod'
import {
  createTokenSigner,
  newId,
  noOrigin,
  ParleyError,
  type Scope,
  type Vault,
} from '../../kernel/index.ts'

/**
 * Leave to upload one file into one conversation, as an address that works for a few minutes. Given over the socket, where visitors and
 * guests are known, to be used over HTTP, where they are not.
 */
export interface UploadOffers {
  make(scope: Scope, conversationId: string, name: string): { url: string; expiresAt: string }
  /** Throws `token_expired` and `not_found`. */
  open(token: string): { id: string; scope: Scope; conversationId: string; name: string }
}

const lifetimeSeconds = 300

const claimsSchema = z.object({
  id: z.uuid(),
  tenantId: z.uuid(),
  conversationId: z.uuid(),
  name: z.string(),
  actor: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('visitor'),
      contactId: z.uuid(),
      widgetId: z.uuid(),
      proven: z.string().optional(),
    }),
    z.object({ kind: z.literal('guest'), guestId: z.uuid(), conversationId: z.uuid(), name: z.string() }),
  ]),
})

export function createUploadOffers({ vault, publicUrl }: { vault: Vault; publicUrl: string }): UploadOffers {
  const signer = createTokenSigner(vault, 'upload', claimsSchema)
  return {
    make({ tenantId, actor }, conversationId, name) {
      if (actor.kind !== 'visitor' && actor.kind !== 'guest')
        throw new ParleyError('forbidden', 'Members and keys upload through the API.')
      const { token, expiresAt } = signer.sign(
        { id: newId(), tenantId, conversationId, name, actor },
        lifetimeSeconds,
      )
      return { url: `${publicUrl}/api/v1/visitor/uploads/${token}`, expiresAt: expiresAt.toISOString() }
    },
    open(token) {
      const found = signer.open(token)
      if (found === 'expired') throw new ParleyError('token_expired')
      if (!found) throw new ParleyError('not_found', 'This is no address for an upload.')
      const { tenantId, actor, ...offer } = found.claims
      return { ...offer, scope: { tenantId, actor, permissions: new Set(), origin: noOrigin } }
    },
  }
}
