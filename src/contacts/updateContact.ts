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
    // Of what visitors say of themselves the audit trail has the names alone: it is there for good, and they can say anything at any time.
    const told =
      scope.actor.kind === 'visitor'
        ? { oldValues: null, newValues: { changed: Object.keys(values.newValues ?? {}) } }
        : values
    await tx.emit({
      type: 'changed',
      action: 'contact.updated',
      resourceType: 'contact',
      resourceId: id,
      ...told,
    })
  }
  return after
}
