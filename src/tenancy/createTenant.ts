import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { type Database, duplicateOf } from '../db/index.ts'
import { once } from '../http/index.ts'
import { formatUuid, type Identity, newId, ParleyError, personScope, type Vault } from '../kernel/index.ts'
import { insertMember, insertTenant } from './store.ts'
import type { tenantInput } from './wire.ts'

/** A new workspace with the person who asks as its owner. */
export async function createTenant(
  parts: { readonly db: Database; readonly vault: Vault },
  identity: Identity,
  input: z.output<typeof tenantInput>,
  idempotencyKey: string | undefined,
) {
  if (!identity.emailVerified) throw new ParleyError('email_unverified')
  // There is no tenant yet to keep the key in. An id made from the key leads a repeat to the tenant that the first one made.
  const tenantId = idempotencyKey === undefined ? newId() : idFromKey(identity.userId, idempotencyKey)
  const scope = personScope(tenantId, identity)
  return parts.db.scoped(scope, async tx => {
    const work = async () => {
      const [tenant] = await withFreeSlug(async () => insertTenant(tx, { id: tenantId, ...input }))
      const [member] = await insertMember(tx, { tenantId, userId: identity.userId, role: 'owner' })
      await tx.emit({
        type: 'changed',
        action: 'tenant.created',
        resourceType: 'tenant',
        resourceId: tenantId,
        oldValues: null,
        newValues: { ...input, owner: member?.id },
      })
      return tenant
    }
    if (idempotencyKey === undefined) return work()
    const fingerprint = createHash('sha256').update(JSON.stringify(input)).digest('hex')
    const answer = await once(scope, tx, parts.vault, { key: idempotencyKey, fingerprint, status: 201 }, work)
    return answer.body
  })
}

async function withFreeSlug<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (duplicateOf(error)?.startsWith('tenants_slug'))
      throw new ParleyError('conflict', 'This slug is taken.')
    throw error
  }
}

function idFromKey(userId: string, key: string): string {
  const bytes = createHash('sha256')
    .update(JSON.stringify(['tenant', userId, key]))
    .digest()
    .subarray(0, 16)
  // The form of a UUIDv8: "made some way of its own".
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return formatUuid(bytes)
}
