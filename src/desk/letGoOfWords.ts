import { readBriefs } from '../chat/index.ts'
import type { Transaction } from '../db/index.ts'
import type { EventWithin, Scope } from '../kernel/index.ts'
import { blankBriefs, dropContact, writeBriefs } from './store.ts'

/** What briefs say of words that were taken back, or of a contact that is deleted, goes with them. Whoever is to answer has the brief as of now. */
export async function letGoOfWords(scope: Scope, tx: Transaction, event: EventWithin): Promise<void> {
  if (event.type === 'contact.leaves') await dropContact(tx, scope, event.contactId)
  if (event.type !== 'words.taken_back') return
  const open = await blankBriefs(tx, scope, event.places)
  if (open.length > 0) await writeBriefs(tx, scope, await readBriefs(tx, scope, open))
}
