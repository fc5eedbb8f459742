import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { insertVisitor } from './store.ts'

/** Makes sure that a visitor has a contact. Its id was chosen when the visitor came, its row is made when there is something to keep. */
export async function contactOf(tx: Transaction, scope: Scope, contactId: string): Promise<void> {
  const [made] = await insertVisitor(tx, scope, contactId)
  if (!made) return
  await tx.emit({
    type: 'changed',
    action: 'contact.created',
    resourceType: 'contact',
    resourceId: contactId,
    oldValues: null,
    newValues: {},
  })
}
