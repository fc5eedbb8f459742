import type { Transaction } from '../db/index.ts'
import { duplicateOf } from '../db/index.ts'
import { found, ParleyError, type Scope } from '../kernel/index.ts'
import { type ContactRow, type ContactValues, insertContact } from './store.ts'

export async function createContact(
  scope: Scope,
  tx: Transaction,
  values: ContactValues,
): Promise<ContactRow> {
  const contact = await withUniqueExternalId(async () => {
    const [row] = await insertContact(tx, scope, values)
    return found(row, 'contact')
  })
  await tx.emit({
    type: 'changed',
    action: 'contact.created',
    resourceType: 'contact',
    resourceId: contact.id,
    oldValues: null,
    newValues: { ...values },
  })
  return contact
}

export async function withUniqueExternalId<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (duplicateOf(error) === 'contacts_external') {
      throw new ParleyError('conflict', 'Another contact has this externalId.')
    }
    throw error
  }
}
