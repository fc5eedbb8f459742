import { isCited, readConversation, requireEntry } from '../chat/index.ts'
import type { Transaction } from '../db/index.ts'
import { notFound, ParleyError, type Scope } from '../kernel/index.ts'
import type { CommandInput, CommandOutput } from '../protocol/index.ts'
import { type Citation, findCitation } from './searchStore.ts'
import type { AgentVisibility } from './visibility.ts'

/**
 * What an answer of a conversation refers to. Whoever may not search the documents sees of them what was said to them, and nothing else; and
 * nothing of those of an agent that is hidden from them.
 */
export async function openCitation(
  scope: Scope,
  tx: Transaction,
  { hiddenAgents }: AgentVisibility,
  at: CommandInput<'citation.read'>,
): Promise<CommandOutput<'citation.read'>> {
  requireEntry(scope, await readConversation(tx, scope, at.conversationId))
  if (!(await isCited(tx, scope, at))) throw notFound('citation')
  const cited = await findCitation(tx, scope, at.chunkId)
  const hidden = cited?.agentId != null && (await hiddenAgents(tx, scope)).includes(cited.agentId)
  if (!cited || hidden)
    throw new ParleyError('not_found', 'What is cited here has been changed since, or is gone.')
  const { title, section, page, text } = cited
  return { title, section: section || null, page, text, url: publicAddressOf(cited) }
}

/** Pages are read as anybody would. What was uploaded, or lies in a repository, is nobody's but the workspace's. */
const publicAddressOf = ({ sourceType, uri }: Citation): string | null =>
  sourceType === 'url' && /^https?:\/\//.test(uri) ? uri : null
