import type { Transaction } from '../db/index.ts'
import { found, ParleyError, type Scope } from '../kernel/index.ts'
import type { CommandInput, CommandOutput } from '../protocol/index.ts'
import { attributesIn, fits, roomForAttributes } from './attributes.ts'
import { contactOf } from './contactOf.ts'
import { learnDetails } from './learnDetails.ts'
import { lockContact, writeAttributes } from './store.ts'

/**
 * What visitors, or the pages they are on, say of them. Nothing of it is proved: details stand back behind what a site has signed, and
 * attributes are kept apart from what the workspace itself notes.
 */
export async function describeVisitor(
  scope: Scope,
  tx: Transaction,
  contactId: string,
  { attributes, ...details }: CommandInput<'visitor.describe'>,
): Promise<CommandOutput<'visitor.describe'>> {
  await contactOf(tx, scope, contactId, lockContact)
  const { kept } = await learnDetails(scope, tx, contactId, details)
  if (attributes) await changeAttributes(scope, tx, contactId, attributes)
  return { kept: [...kept] }
}

/** They are not in the audit trail: pages say them as often as they like, and nobody relies on them. */
async function changeAttributes(
  scope: Scope,
  tx: Transaction,
  contactId: string,
  said: NonNullable<CommandInput<'visitor.describe'>['attributes']>,
): Promise<void> {
  const { metadata } = found(await lockContact(tx, scope, contactId), 'contact')
  const merged = Object.entries({ ...attributesIn(metadata), ...said })
  const attributes = Object.fromEntries(merged.filter(([, value]) => value !== null))
  if (!fits(attributes, roomForAttributes))
    throw new ParleyError('invalid_request', undefined, {
      faults: [
        { path: 'attributes', message: `must be at most ${roomForAttributes.values}, and not so long` },
      ],
    })
  await writeAttributes(tx, scope, contactId, attributes)
}
