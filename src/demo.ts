import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { type AgentParts, seedDemoAgent } from './agents/index.ts'
import { seedDemoConversations } from './chat/index.ts'
import type { Config } from './config.ts'
import { seedDemoContacts } from './contacts/index.ts'
import { keptSecret } from './dataFolder.ts'
import type { Database } from './db/index.ts'
import { ParleyError } from './kernel/index.ts'
import { isDemoKnowledgeRead, seedDemoKnowledge } from './knowledge/index.ts'
import { type DemoLogin, demoScope, seedDemoTenant } from './tenancy/index.ts'
import { demoWidgetKey, seedDemoWidget } from './widgets/index.ts'

/** Returns the login where it is known: on a shared database it is that of the node that made the workspace. */
export async function seedDemo(
  config: Config,
  db: Database,
  parts: AgentParts,
): Promise<DemoLogin | undefined> {
  const password = await keptSecret(config.dataFolder, 'demo-password', 9)
  const ownMachine = !config.database.url
  const login = { email: 'demo@parley.example', password: password.reveal(), masterAdmin: ownMachine }
  const documents = await readDocuments(new URL('./knowledge/demo/', import.meta.url))
  const seeding = seedDemoTenant(db, login, async (scope, tx) => {
    const contactIds = await seedDemoContacts(scope, tx)
    const agentId = await seedDemoAgent(scope, tx, parts)
    const widgetId = await seedDemoWidget(scope, tx, agentId)
    await seedDemoConversations(scope, tx, { contactIds, widgetId })
    await seedDemoKnowledge(scope, tx, parts.vault, documents)
  })
  const made = await seeding.catch(error => {
    // A node that starts at the same moment was faster, and makes the same.
    if (error instanceof ParleyError && error.code === 'conflict') return false
    throw error
  })
  if (made) await demoKnowledge(db)
  return made || ownMachine ? login : undefined
}

/** Whoever asks the demo something at once is answered from all of its documents; what takes longer than this is not waited for. */
async function demoKnowledge(db: Database): Promise<void> {
  const scope = demoScope()
  const end = Date.now() + 30_000
  while (Date.now() < end && !(await db.scoped(scope, tx => isDemoKnowledgeRead(scope, tx)))) await pause(100)
}

/** The key of the widget on the page of the demo shop. */
export function demoShopWidget(db: Database): Promise<string | undefined> {
  const scope = demoScope()
  return db.scoped(scope, tx => demoWidgetKey(scope, tx))
}

async function readDocuments(folder: URL): Promise<string[]> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.md')).sort()
  return Promise.all(names.map(name => readFile(new URL(name, folder), 'utf8')))
}
