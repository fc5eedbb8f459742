import type { Transaction } from '../db/index.ts'
import { found, type Scope } from '../kernel/index.ts'
import { insertFormer, lockContact, removeContact } from './store.ts'

/** Conversations stay and lose the reference. What its visitors still hold does not bring it back. */
export async function deleteContact(scope: Scope, tx: Transaction, id: string): Promise<void> {
  const before = found(await lockContact(tx, scope, id), 'contact')
  await tx.emit({ type: 'contact.leaves', contactId: id })
  await removeContact(tx, scope, id)
  await insertFormer(tx, scope, id, null)
  await tx.emit({
    type: 'changed',
    action: 'contact.deleted',
    resourceType: 'contact',
    resourceId: id,
    oldValues: { ...before },
    newValues: null,
  })
}
