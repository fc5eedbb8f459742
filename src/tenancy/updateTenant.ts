import type { z } from 'zod'
import { duplicateOf, type Transaction } from '../db/index.ts'
import { given } from '../http/index.ts'
import { difference, found, ParleyError, type Scope } from '../kernel/index.ts'
import { changeTenant, lockTenant, type TenantRow } from './store.ts'
import type { platformPatch, tenantPatch } from './wire.ts'

type Patch = z.output<typeof tenantPatch> &
  Omit<z.output<typeof platformPatch>, 'trialEndsAt'> & { trialEndsAt?: Date | null }

export async function updateTenant(scope: Scope, tx: Transaction, patch: Patch): Promise<TenantRow> {
  const before = found(await lockTenant(tx, scope), 'workspace')
  try {
    const [after] = await changeTenant(tx, scope, given(patch))
    const row = found(after, 'workspace')
    const { changed, ...values } = difference(before, row)
    if (changed) {
      await tx.emit({
        type: 'changed',
        action: 'tenant.updated',
        resourceType: 'tenant',
        resourceId: row.id,
        ...values,
      })
    }
    return row
  } catch (error) {
    const taken = duplicateOf(error)
    if (taken?.startsWith('tenants_slug')) throw new ParleyError('conflict', 'This slug is taken.')
    if (taken?.startsWith('tenants_custom')) throw new ParleyError('conflict', 'This domain is taken.')
    throw error
  }
}
