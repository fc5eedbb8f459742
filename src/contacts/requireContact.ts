import type { Transaction } from '../db/index.ts'
import { notFound, type Scope } from '../kernel/index.ts'
import { holdContact } from './store.ts'

/** For what is kept about a contact: there is one, and it stays until this transaction ends. */
export async function requireContact(scope: Scope, tx: Transaction, id: string): Promise<void> {
  if (!(await holdContact(tx, scope, id))) throw notFound('contact')
}
