import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { readAnswering } from './store.ts'

/** How an agent presents itself to visitors, as it was published; null where it does not answer. */
export async function agentFace(scope: Scope, tx: Transaction, id: string) {
  const answering = await readAnswering(tx, scope, id)
  if (!answering) return null
  const { agent, definition } = answering
  return { id, name: definition.name, avatar: agent.avatarUrl, welcome: definition.welcomeMessage }
}
