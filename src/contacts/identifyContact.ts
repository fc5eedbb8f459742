import type { Transaction } from '../db/index.ts'
import { ParleyError, type Scope } from '../kernel/index.ts'
import { mergeVisitor } from './mergeVisitor.ts'
import { type ContactRow, type ContactValues, insertIdentified, lockExternal } from './store.ts'
import { updateContact } from './updateContact.ts'

/** Who a visitor is, as the tenant's own site has proved. */
export interface ProvenIdentity {
  readonly externalId: string
  readonly email?: string | undefined
  readonly name?: string | undefined
  readonly phone?: string | undefined
}

/**
 * The contact of a proven identity, made or brought up to date. It is never the anonymous contact itself that becomes known: whoever has an
 * older token of that one would be let into everything the person has. Instead the anonymous contact goes, and leaves what it has.
 */
export async function identifyContact(
  scope: Scope,
  tx: Transaction,
  identity: ProvenIdentity,
  anonymousId: string | undefined,
): Promise<string> {
  const contact = await provenContact(scope, tx, identity)
  if (anonymousId !== undefined && anonymousId !== contact.id)
    await mergeVisitor(scope, tx, anonymousId, contact)
  return contact.id
}

/** Locked until the end of the transaction: two devices at once are one contact, one after the other. */
async function provenContact(scope: Scope, tx: Transaction, identity: ProvenIdentity): Promise<ContactRow> {
  const values = { ...withoutGaps(identity), externalId: identity.externalId, verified: true }
  for (let attempt = 0; attempt < 3; attempt++) {
    const [made] = await insertIdentified(tx, scope, values)
    if (made) {
      await tx.emit({
        type: 'changed',
        action: 'contact.created',
        resourceType: 'contact',
        resourceId: made.id,
        oldValues: null,
        newValues: { ...values },
      })
      return made
    }
    const known = await lockExternal(tx, scope, identity.externalId)
    // Deleted between the two statements: made anew.
    if (!known) continue
    return says(known, values) ? known : updateContact(scope, tx, known.id, values)
  }
  throw new ParleyError('unavailable', 'This contact is being changed.', { retryAfter: 1 })
}

const withoutGaps = ({ email, name, phone }: ProvenIdentity): ContactValues => ({
  ...(email === undefined ? {} : { email }),
  ...(name === undefined ? {} : { name }),
  ...(phone === undefined ? {} : { phone }),
})

const says = (row: ContactRow, values: ContactValues): boolean =>
  Object.entries(values).every(([field, value]) => row[field as keyof ContactRow] === value)
