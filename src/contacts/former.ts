import { createHash } from 'node:crypto'
import type { Transaction } from '../db/index.ts'
import { ParleyError, type Scope } from '../kernel/index.ts'
import { removeOldFormer, standingAmong } from './store.ts'

/** What is said of a credential: of whom it is, and whom a signed identity proved that to be when it was given. */
export interface Held {
  readonly contactId: string
  readonly proven?: string | undefined
}

/** What credentials keep of an external id that was proved: enough to see whether it is still the contact's. */
export const proofOf = (externalId: string): string =>
  createHash('sha256').update(externalId).digest('base64url').slice(0, 22)

/** What becomes of credentials that let nobody in any more: a deleted contact has nothing to come back to, the others another credential. */
export type Farewell = 'unauthenticated' | 'token_expired'

/**
 * What those are told who hold credentials of these contacts, if they may not come in by them: the contact is no more, or it was proved to
 * be somebody, and whoever had it anonymously, or as somebody whose name it has no longer, need not be that person.
 */
export async function formerVisitors(
  tx: Transaction,
  scope: Scope,
  ids: readonly string[],
): Promise<(held: Held) => Farewell | undefined> {
  const standings = await standingAmong(tx, scope, ids)
  return ({ contactId, proven }) => {
    const standing = standings.get(contactId)
    if (!standing) return undefined
    const { externalId } = standing
    if (externalId !== null && proofOf(externalId) === proven) return undefined
    return standing.verified || standing.successorId !== null ? 'token_expired' : 'unauthenticated'
  }
}

/** What a visitor held before never brings back a contact that is no more, nor makes anybody the person it turned out to be. */
export async function refuseFormer(tx: Transaction, scope: Scope, held: Held): Promise<void> {
  const reason = (await formerVisitors(tx, scope, [held.contactId]))(held)
  if (reason) throw new ParleyError(reason, 'This visitor is not known any more.')
}

/** Longer than any token of a visitor lives. */
const keptDays = 190

export async function forgetFormerContacts(scope: Scope, tx: Transaction): Promise<void> {
  await removeOldFormer(tx, scope, keptDays)
}
