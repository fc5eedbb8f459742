import { hashPassword } from 'better-auth/crypto'
import { eq } from 'drizzle-orm'
import type { Database, Transaction } from '../db/index.ts'
import { newId, type Scope, systemScope } from '../kernel/index.ts'
import { accounts, users } from './schema.ts'
import { insertMember, insertTenant, readTenant } from './store.ts'

/** Always the same, so that a second start finds what the first one made. */
const demoTenantId = '0195d3e0-0000-7000-8000-000000000001'

/** The program itself, in the demo workspace. */
export const demoScope = (): Scope => systemScope(demoTenantId, 'demo')

export interface DemoLogin {
  readonly email: string
  readonly password: string
  /** Whether the owner also administers the installation: only where it is their own machine. */
  readonly masterAdmin: boolean
}

/**
 * Creates the demo workspace once: its owner, then in one transaction the tenant and whatever `furnish` adds. A start that died in
 * between is completed by the next one. Says whether it was made now.
 */
export async function seedDemoTenant(
  db: Database,
  login: DemoLogin,
  furnish: (scope: Scope, tx: Transaction) => Promise<void>,
): Promise<boolean> {
  const scope = demoScope()
  if (await db.scoped(scope, tx => readTenant(tx, scope))) return false
  const userId = await demoOwner(db, login)
  await db.scoped(scope, async tx => {
    await insertTenant(tx, { id: demoTenantId, name: 'Harbour & Pine', slug: 'demo' })
    await insertMember(tx, { tenantId: demoTenantId, userId, role: 'owner' })
    await furnish(scope, tx)
  })
  return true
}

async function demoOwner(db: Database, { email, password, masterAdmin }: DemoLogin): Promise<string> {
  const hashed = await hashPassword(password)
  return db.identity(null, async tx => {
    const [existing] = await tx.sql.select({ id: users.id }).from(users).where(eq(users.email, email))
    if (existing) return existing.id
    const id = newId()
    await tx.sql.insert(users).values({
      id,
      email,
      name: 'Demo Owner',
      emailVerified: true,
      platformRole: masterAdmin ? 'master_admin' : 'user',
    })
    await tx.sql
      .insert(accounts)
      .values({ userId: id, accountId: id, providerId: 'credential', password: hashed })
    return id
  })
}
