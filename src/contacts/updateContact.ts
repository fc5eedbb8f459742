import type { Transaction } from '../db/index.ts'
import { difference, found, type Scope } from '../kernel/index.ts'
import { withUniqueExternalId } from './createContact.ts'
import { type ContactRow, type ContactValues, changeContact, lockContact } from './store.ts'

export async function updateContact(
  scope: Scope,
  tx: Transaction,
  id: string,
  patch: ContactValues,
): Promise<ContactRow> {
  const before = found(await lockContact(tx, scope, id), 'contact')
  const after = await withUniqueExternalId(async () => {
    const [row] = await changeContact(tx, scope, id, patch)
    return found(row, 'contact')
  })
  const { changed, ...values } = difference(before, after)
  if (changed) {
    await tx.emit({
      type: 'changed',
      action: 'contact.updated',
      resourceType: 'contact',
      resourceId: id,
      ...values,
    })
  }
  return after
}
