import type { z } from 'zod'
import { type Database, duplicateOf, type Transaction } from '../db/index.ts'
import { once, type Repeat, Replayed } from '../http/index.ts'
import { type Identity, newId, ParleyError, personScope, type Scope, type Vault } from '../kernel/index.ts'
import { reserveTenant } from './peopleStore.ts'
import { insertMember, insertTenant } from './store.ts'
import type { tenantInput } from './wire.ts'

type Input = z.output<typeof tenantInput>

/** A new workspace with the person who asks as its owner. */
export async function createTenant(
  { db, vault }: { readonly db: Database; readonly vault: Vault },
  identity: Identity,
  input: Input,
  { key, fingerprint }: Repeat,
) {
  if (!identity.emailVerified) throw new ParleyError('email_unverified')
  if (key === undefined) {
    const scope = personScope(newId(), identity)
    return db.scoped(scope, tx => found(scope, tx, identity, input))
  }
  // There is no tenant yet to keep the key in. So its id is reserved first, in a transaction of its own: it leads a repeat to the tenant
  // that the first request made, or to where the first one failed and left nothing.
  const { userId } = identity
  const tenantId = await db.identity(userId, tx => reserveTenant(tx, { userId, key }, newId()))
  const scope = personScope(tenantId, identity)
  const answer = await db.scoped(scope, tx =>
    once(scope, tx, vault, { key, fingerprint, status: 201 }, () => found(scope, tx, identity, input)),
  )
  return answer.replayed ? new Replayed(answer.body) : answer.body
}

async function found(scope: Scope, tx: Transaction, { userId }: Identity, input: Input) {
  const { tenantId } = scope
  const [tenant] = await withFreeSlug(async () => insertTenant(tx, { id: tenantId, ...input }))
  const [member] = await insertMember(tx, { tenantId, userId, role: 'owner' })
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

async function withFreeSlug<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (duplicateOf(error)?.startsWith('tenants_slug'))
      throw new ParleyError('conflict', 'This slug is taken.')
    throw error
  }
}
