import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { readContact } from './store.ts'

/** How a contact is shown to themselves. */
export async function contactFace(scope: Scope, tx: Transaction, id: string) {
  const row = await readContact(tx, scope, id)
  return { name: row?.name ?? null, avatarUrl: row?.avatar ?? null }
}
