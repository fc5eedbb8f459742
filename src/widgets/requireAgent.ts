import type { Transaction } from '../db/index.ts'
import { notFound, type Scope } from '../kernel/index.ts'

/** The agents that are hidden from whoever asks: a room above this one knows. */
export type HiddenAgents = (tx: Transaction, scope: Scope) => Promise<readonly string[]>

/** Nobody lets an agent answer that is hidden from them; whether there is one at all, the database says. */
export async function requireAgent(
  tx: Transaction,
  scope: Scope,
  hiddenAgents: HiddenAgents,
  agentId: string | null | undefined,
): Promise<void> {
  if (agentId && (await hiddenAgents(tx, scope)).includes(agentId)) throw notFound('agent')
}
