import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { AgentDefinition, HttpTool } from './schema.ts'
import { type AgentRow, readAnswering } from './store.ts'

export interface ReadDefinition {
  readonly agent: AgentRow
  readonly definition: AgentDefinition
  readonly version: number
}

/** What an agent answers with: nothing before it is published, while it is paused, and once it is archived. */
export const readDefinition = (
  tx: Transaction,
  scope: Scope,
  agentId: string,
): Promise<ReadDefinition | undefined> => readAnswering(tx, scope, agentId)

/** Of the draft, what is published. */
export const definitionOf = (row: AgentDefinition): AgentDefinition => ({
  name: row.name,
  instructions: row.instructions,
  welcomeMessage: row.welcomeMessage,
  provider: row.provider,
  model: row.model,
  parameters: row.parameters,
  tools: row.tools,
  toolResources: row.toolResources,
  allowedMcpServers: row.allowedMcpServers,
  escalationRules: row.escalationRules,
  limits: row.limits,
})

/** Sealed as they are, secrets stay out of answers and out of the audit trail. */
export function withoutSecrets<Holder extends Pick<AgentDefinition, 'toolResources'>>(
  holder: Holder,
): Holder {
  const { httpTools, ...resources } = holder.toolResources
  if (!httpTools) return holder
  const bare = httpTools.map(({ sealedHeaders: _sealed, ...tool }): HttpTool => tool)
  return { ...holder, toolResources: { ...resources, httpTools: bare } }
}
