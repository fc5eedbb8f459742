import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { refuseFormer } from './former.ts'
import { holdContact, insertVisitor, type lockContact } from './store.ts'

/** Whoever is about to change it locks it at once: of two who hold it together, neither could go on to that. */
type Take = typeof holdContact | typeof lockContact

/** Makes sure that a visitor has a contact. Its id was chosen when the visitor came, its row is made when there is something to keep. */
export async function contactOf(
  tx: Transaction,
  scope: Scope,
  contactId: string,
  take: Take = holdContact,
): Promise<void> {
  if (await take(tx, scope, contactId)) return
  const [made] = await insertVisitor(tx, scope, contactId)
  if (!made) return
  // A statement of its own, after the insert: whoever took the contact away at the same moment was waited for, and has committed.
  await refuseFormer(tx, scope, { contactId })
  await tx.emit({
    type: 'changed',
    action: 'contact.created',
    resourceType: 'contact',
    resourceId: contactId,
    oldValues: null,
    newValues: {},
  })
}
