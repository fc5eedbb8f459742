import { createPublicKey } from 'node:crypto'
import { z } from 'zod'
import type { ProvenIdentity } from '../contacts/index.ts'
import { emailField, exactField, lineField } from '../http/index.ts'
import {
  clockToleranceSeconds,
  faultsOf,
  openForeignToken,
  ParleyError,
  plainWords,
  type Vault,
} from '../kernel/index.ts'
import type { IdentityRow } from './identityStore.ts'

/** Such a token lies open in a page: it is made for a visit, not for good. */
const longestSeconds = 24 * 3_600

const claimsSchema = z.object({
  sub: exactField(200),
  exp: z
    .number()
    .refine(
      exp => exp <= Date.now() / 1_000 + longestSeconds + clockToleranceSeconds,
      'must be within 24 hours',
    ),
  email: emailField.optional(),
  name: lineField(200).optional(),
  phone: lineField(40).optional(),
})

/** Who the site of a widget says that a visitor is. */
export async function verifyIdentity(
  vault: Vault,
  widget: { readonly publicKey: string; readonly identity: IdentityRow | undefined },
  token: string,
): Promise<ProvenIdentity> {
  if (!widget.identity)
    throw new ParleyError(
      'unauthenticated',
      'This widget has nothing to check identities by. Make a secret: POST /api/v1/widgets/{id}/identity-secret',
    )
  const { algorithm, material } = widget.identity
  const key =
    algorithm === 'HS256' ? new TextEncoder().encode(vault.open(material)) : createPublicKey(material)
  const said = await openForeignToken(token, key, algorithm)
  if (said === 'expired') throw new ParleyError('token_expired', 'The identity has expired.')
  if (!said) throw new ParleyError('unauthenticated', 'The identity is not signed for this widget.')
  if (said.aud !== undefined && ![said.aud].flat().includes(widget.publicKey))
    throw new ParleyError('unauthenticated', 'The identity is for another widget.')
  const parsed = claimsSchema.safeParse(said, { error: plainWords })
  if (!parsed.success)
    throw new ParleyError('invalid_request', 'The identity does not say what it has to.', {
      faults: faultsOf(parsed.error, 'identity'),
    })
  const { sub, email, name, phone } = parsed.data
  return { externalId: sub, email, name, phone }
}
