import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import type { Transaction } from '../db/index.ts'
import { found, ParleyError, type Scope, type Vault } from '../kernel/index.ts'
import { deleteIdentity, type IdentityRow, readIdentity, writeIdentity } from './identityStore.ts'
import { lockWidget, readWidget } from './store.ts'

/** By what a site proves to its widget who a visitor is; the secret itself is shown once, by the verb that makes it. */
export async function describeIdentity(scope: Scope, tx: Transaction, widgetId: string) {
  found(await readWidget(tx, scope, widgetId), 'widget')
  const row = await readIdentity(tx, scope, widgetId)
  return { ...shown(row), changedAt: row?.createdAt ?? null }
}

/** A new secret for HS256, in the place of what was there: whatever that signed proves nothing any more, nor does `resume` of whoever came by it. */
export async function issueIdentitySecret(
  scope: Scope,
  tx: Transaction,
  vault: Vault,
  widgetId: string,
): Promise<{ secret: string }> {
  const secret = randomBytes(32).toString('base64url')
  await replace(scope, tx, { widgetId, algorithm: 'HS256', material: vault.seal(secret) })
  return { secret }
}

/** A site that keeps its private key to itself gives us the public one. */
export async function setIdentityKey(
  scope: Scope,
  tx: Transaction,
  widgetId: string,
  publicKey: string,
): Promise<void> {
  const material = publicKeyFrom(publicKey).export({ type: 'spki', format: 'pem' }).toString()
  await replace(scope, tx, { widgetId, algorithm: 'EdDSA', material })
}

/** Nobody can prove who they are from now on. Whoever has, stays so for as long as their token lives. */
export async function removeIdentity(scope: Scope, tx: Transaction, widgetId: string): Promise<void> {
  found(await lockWidget(tx, scope, widgetId), 'widget')
  const before = found(await readIdentity(tx, scope, widgetId), 'identity of this widget')
  await deleteIdentity(tx, scope, widgetId)
  await report(tx, widgetId, 'widget.identity_removed', shown(before), null)
}

async function replace(
  scope: Scope,
  tx: Transaction,
  row: Pick<IdentityRow, 'widgetId' | 'algorithm' | 'material'>,
): Promise<void> {
  // What leaked must not outlive its revocation by what it made: with this one can be any visitor.
  if (scope.actor.kind === 'api_key')
    throw new ParleyError('forbidden', 'A key cannot set what proves identities; a member can.')
  found(await lockWidget(tx, scope, row.widgetId), 'widget')
  const before = await readIdentity(tx, scope, row.widgetId)
  await writeIdentity(tx, scope, row)
  await report(tx, row.widgetId, 'widget.identity_set', before ? shown(before) : null, shown(row))
}

const shown = (row: Pick<IdentityRow, 'algorithm' | 'material'> | undefined) => ({
  algorithm: row?.algorithm ?? null,
  publicKey: row?.algorithm === 'EdDSA' ? row.material : null,
})

type Values = Record<string, unknown> | null

const report = (tx: Transaction, resourceId: string, action: string, oldValues: Values, newValues: Values) =>
  tx.emit({ type: 'changed', action, resourceType: 'widget', resourceId, oldValues, newValues })

/** Ed25519, as PEM or as a JSON Web Key. Of a private key Node would take the public half; but then it has been sent to us. */
function publicKeyFrom(text: string): KeyObject {
  try {
    const jwk = text.trimStart().startsWith('{') ? JSON.parse(text) : undefined
    const key = jwk ? createPublicKey({ key: jwk, format: 'jwk' }) : createPublicKey(text)
    if (key.asymmetricKeyType === 'ed25519' && !text.includes('PRIVATE') && !jwk?.d) return key
  } catch (cause) {
    throw unfit(cause)
  }
  throw unfit()
}

const unfit = (cause?: unknown) =>
  new ParleyError('invalid_request', undefined, {
    faults: [{ path: 'publicKey', message: 'must be a public Ed25519 key, as PEM or JSON Web Key' }],
    cause,
  })
