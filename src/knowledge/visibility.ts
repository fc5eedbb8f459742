import type { Transaction } from '../db/index.ts'
import { found, notFound, type Scope } from '../kernel/index.ts'
import { readSource, type SourceRow } from './sourceStore.ts'

/** From whom agents are hidden: the agents room, above this one, knows. What serves a hidden agent alone is hidden with it. */
export interface AgentVisibility {
  /** The agents that are hidden from whoever asks. */
  hiddenAgents(tx: Transaction, scope: Scope): Promise<readonly string[]>
  /** The members who see an agent; undefined: all of them. */
  membersWhoSee(tx: Transaction, scope: Scope, agentId: string): Promise<readonly string[] | undefined>
}

/** A source that serves an agent hidden from whoever asks is not there for them. */
export async function requireShown(
  tx: Transaction,
  scope: Scope,
  { hiddenAgents }: Pick<AgentVisibility, 'hiddenAgents'>,
  id: string,
): Promise<SourceRow> {
  const source = found(await readSource(tx, scope, id), 'source')
  if (source.agentId !== null && (await hiddenAgents(tx, scope)).includes(source.agentId))
    throw notFound('source')
  return source
}

/** Nobody adds anything for an agent that is hidden from them; whether there is one at all, the database says. */
export async function requireAgent(
  tx: Transaction,
  scope: Scope,
  { hiddenAgents }: Pick<AgentVisibility, 'hiddenAgents'>,
  agentId: string | null | undefined,
): Promise<void> {
  if (agentId && (await hiddenAgents(tx, scope)).includes(agentId)) throw notFound('agent')
}
