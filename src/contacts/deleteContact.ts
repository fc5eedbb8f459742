import type { Transaction } from '../db/index.ts'
import { found, type Scope } from '../kernel/index.ts'
import { lockContact, removeContact } from './store.ts'

/** Conversations stay and lose the reference. */
export async function deleteContact(scope: Scope, tx: Transaction, id: string): Promise<void> {
  const before = found(await lockContact(tx, scope, id), 'contact')
  await removeContact(tx, scope, id)
  await tx.emit({
    type: 'changed',
    action: 'contact.deleted',
    resourceType: 'contact',
    resourceId: id,
    oldValues: { ...before },
    newValues: null,
  })
}
