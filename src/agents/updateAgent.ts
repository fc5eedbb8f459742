import type { Transaction } from '../db/index.ts'
import { difference, found, ParleyError, type Scope } from '../kernel/index.ts'
import { type AgentInput, type AgentParts, storable, withUniqueName } from './createAgent.ts'
import { withoutSecrets } from './definition.ts'
import { type AgentRow, changeAgent, lockAgent } from './store.ts'

/** Changes the draft, or whether the agent answers. What it answers with changes by publishing alone. */
export async function updateAgent(
  scope: Scope,
  tx: Transaction,
  parts: AgentParts,
  id: string,
  patch: AgentInput & { readonly status?: 'active' | 'paused' | 'archived' | undefined },
): Promise<AgentRow> {
  const { status, ...input } = patch
  const before = found(await lockAgent(tx, scope, id), 'agent')
  if (status === 'active' && !before.published)
    throw new ParleyError('conflict', 'Nothing of this agent has been published that it could answer with.')
  const values = { ...(await storable(scope, tx, parts, input, before)), ...(status && { status }) }
  const after = await withUniqueName(async () => {
    const [row] = await changeAgent(tx, scope, id, values)
    return found(row, 'agent')
  })
  await reportChange(tx, 'agent.updated', before, after)
  return after
}

/** Says nothing where nothing has changed. A new secret of the same name is a change that shows only in the moment of it. */
export async function reportChange(
  tx: Transaction,
  action: string,
  before: AgentRow,
  after: AgentRow,
): Promise<void> {
  if (!difference(before, after).changed) return
  const { oldValues, newValues } = difference(withoutSecrets(before), withoutSecrets(after))
  await tx.emit({
    type: 'changed',
    action,
    resourceType: 'agent',
    resourceId: after.id,
    oldValues,
    newValues,
  })
}
