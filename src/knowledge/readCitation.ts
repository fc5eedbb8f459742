import type { Transaction } from '../db/index.ts'
import { found, notFound, type Scope } from '../kernel/index.ts'
import { type Citation, findCitation } from './searchStore.ts'
import type { AgentVisibility } from './visibility.ts'

/** What an answer refers to. A chunk keeps its id for as long as its document says the same there. */
export async function readCitation(
  scope: Scope,
  tx: Transaction,
  { hiddenAgents }: AgentVisibility,
  chunkId: string,
): Promise<Citation> {
  const cited = found(await findCitation(tx, scope, chunkId), 'chunk')
  if (cited.agentId !== null && (await hiddenAgents(tx, scope)).includes(cited.agentId))
    throw notFound('chunk')
  return cited
}
