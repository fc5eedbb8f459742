import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { type ContactRow, readContact, readContacts } from './store.ts'

type Known = Pick<ContactRow, 'name' | 'email' | 'phone' | 'externalId'>

/** What is known of a contact, in the words of people; what is not known is not there. */
export function cardOf({ name, email, phone, externalId }: Known): Record<string, string> {
  const known = Object.entries({ name, email, phone, externalId })
  return Object.fromEntries(known.filter((field): field is [string, string] => field[1] !== null))
}

export async function contactCard(
  tx: Transaction,
  scope: Scope,
  contactId: string,
): Promise<Record<string, string>> {
  const row = await readContact(tx, scope, contactId)
  return row ? cardOf(row) : {}
}

/** The same of several, by their ids. */
export async function contactCards(
  tx: Transaction,
  scope: Scope,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Record<string, string>>> {
  const rows = ids.length > 0 ? await readContacts(tx, scope, ids) : []
  return new Map(rows.map(row => [row.id, cardOf(row)]))
}
