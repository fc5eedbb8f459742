import type { Transaction } from '../db/index.ts'
import { found, ParleyError, type Scope } from '../kernel/index.ts'
import { memberOf, withUniqueName } from './createAgent.ts'
import { definitionOf } from './definition.ts'
import type { AgentDefinition } from './schema.ts'
import { type AgentRow, changeAgent, insertVersion, lockAgent, readVersion } from './store.ts'
import { reportChange } from './updateAgent.ts'

/** Makes the draft what the agent answers with, from the next answer on. */
export async function publishAgent(scope: Scope, tx: Transaction, id: string, note = ''): Promise<AgentRow> {
  const before = found(await lockAgent(tx, scope, id), 'agent')
  return publish(scope, tx, before, { action: 'agent.published', definition: definitionOf(before), note })
}

/** Publishes an older definition again; it becomes the draft too, or the next publication would bring back what is undone here. */
export async function rollBack(
  scope: Scope,
  tx: Transaction,
  id: string,
  {
    version,
    note = `Version ${version} again`,
  }: { readonly version: number; readonly note?: string | undefined },
): Promise<AgentRow> {
  const before = found(await lockAgent(tx, scope, id), 'agent')
  const { definition } = found(await readVersion(tx, scope, id, version), 'version')
  return publish(scope, tx, before, { action: 'agent.rolled_back', definition, note })
}

/** The agent is locked: versions come one after the other, without a gap. */
async function publish(
  scope: Scope,
  tx: Transaction,
  before: AgentRow,
  { action, definition, note }: { action: string; definition: AgentDefinition; note: string },
): Promise<AgentRow> {
  if (before.status === 'archived')
    throw new ParleyError('conflict', 'This agent is archived; take it back first.')
  const version = before.version + 1
  const publishedBy = memberOf(scope)
  await insertVersion(tx, scope, { agentId: before.id, version, definition, note, publishedBy })
  const { tools, ...rest } = definition
  const status = before.status === 'draft' ? 'active' : before.status
  const after = await withUniqueName(async () => {
    const values = { ...rest, tools: [...tools], published: true, version, status }
    const [row] = await changeAgent(tx, scope, before.id, values)
    return found(row, 'agent')
  })
  await reportChange(tx, action, before, after)
  return after
}
