import type { Transaction } from '../db/index.ts'
import { ParleyError, type Scope } from '../kernel/index.ts'
import { countMembers, type TenantRow } from './store.ts'

/** Room for one more active member. The tenant's row must be locked, or two of them could take the last place. */
export async function requireRoom(tx: Transaction, scope: Scope, tenant: TenantRow): Promise<void> {
  const limit = tenant.settings.maxMembers
  if (limit !== undefined && (await countMembers(tx, scope)) >= limit) {
    throw new ParleyError('conflict', `The workspace is limited to ${limit} members.`)
  }
}
