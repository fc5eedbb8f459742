import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { createContact } from './createContact.ts'

export async function seedDemoContacts(scope: Scope, tx: Transaction): Promise<string[]> {
  const ingrid = await createContact(scope, tx, {
    name: 'Ingrid Solberg',
    email: 'ingrid@shop.example',
    tags: ['customer'],
    verified: true,
  })
  const mateo = await createContact(scope, tx, {
    name: 'Mateo Ruiz',
    email: 'mateo@shop.example',
    tags: ['lead'],
  })
  return [ingrid.id, mateo.id]
}
