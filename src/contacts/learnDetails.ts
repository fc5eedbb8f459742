import type { Transaction } from '../db/index.ts'
import { found, type Scope } from '../kernel/index.ts'
import { lockContact } from './store.ts'
import { updateContact } from './updateContact.ts'

const details = ['name', 'email', 'phone'] as const
type Detail = (typeof details)[number]

/**
 * What a contact says of themselves in a conversation. Of somebody whose identity was proved it fills gaps alone: what their site says stands
 * against what anybody types. Says what was taken and what was not.
 */
export async function learnDetails(
  scope: Scope,
  tx: Transaction,
  id: string,
  said: { readonly [Key in Detail]?: string | undefined },
): Promise<{ readonly taken: readonly Detail[]; readonly kept: readonly Detail[] }> {
  const before = found(await lockContact(tx, scope, id), 'contact')
  const given = details.filter(detail => said[detail] !== undefined && said[detail] !== before[detail])
  const taken = given.filter(detail => !before.verified || before[detail] === null)
  if (taken.length > 0)
    await updateContact(scope, tx, id, Object.fromEntries(taken.map(detail => [detail, said[detail]])))
  return { taken, kept: given.filter(detail => !taken.includes(detail)) }
}
