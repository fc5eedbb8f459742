import { seedDemoConversations } from './chat/index.ts'
import type { Config } from './config.ts'
import { seedDemoContacts } from './contacts/index.ts'
import { keptSecret } from './dataFolder.ts'
import type { Database } from './db/index.ts'
import { ParleyError } from './kernel/index.ts'
import { type DemoLogin, seedDemoTenant } from './tenancy/index.ts'
import { seedDemoWidget } from './widgets/index.ts'

/** Returns the login where it is known: on a shared database it is that of the node that made the workspace. */
export async function seedDemo(config: Config, db: Database): Promise<DemoLogin | undefined> {
  const password = await keptSecret(config.dataFolder, 'demo-password', 9)
  const ownMachine = !config.database.url
  const login = { email: 'demo@parley.example', password: password.reveal(), masterAdmin: ownMachine }
  const seeding = seedDemoTenant(db, login, async (scope, tx) => {
    const contactIds = await seedDemoContacts(scope, tx)
    const widgetId = await seedDemoWidget(scope, tx)
    await seedDemoConversations(scope, tx, { contactIds, widgetId })
  })
  const made = await seeding.catch(error => {
    // A node that starts at the same moment was faster, and makes the same.
    if (error instanceof ParleyError && error.code === 'conflict') return false
    throw error
  })
  return made || ownMachine ? login : undefined
}
