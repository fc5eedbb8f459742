import type { Transaction } from '../db/index.ts'
import { found, notFound, ParleyError, type Scope } from '../kernel/index.ts'
import { readAgent, type Visibility } from './store.ts'
import { memberExists, readVisibility, removeVisibility, writeVisibility } from './visibilityStore.ts'

interface About {
  readonly agentId: string
  readonly memberId: string
}

/** To a member from whom it is hidden an agent is not there. Nobody hides one from themselves: they could not find it any more. */
export async function setVisibility(
  scope: Scope,
  tx: Transaction,
  { agentId, memberId }: About,
  visibility: Visibility,
): Promise<void> {
  found(await readAgent(tx, scope, agentId), 'agent')
  if (!(await memberExists(tx, scope, memberId))) throw notFound('member')
  if (visibility === 'hidden' && scope.actor.kind === 'member' && scope.actor.memberId === memberId)
    throw new ParleyError('conflict', 'You cannot hide an agent from yourself.')
  const before = await readVisibility(tx, scope, agentId, memberId)
  if (before === visibility) return
  await writeVisibility(tx, scope, { agentId, memberId, visibility })
  const oldValues = before === undefined ? null : { memberId, visibility: before }
  await report(tx, 'agent.visibility_set', agentId, oldValues, { memberId, visibility })
}

/** As it was before anything was said about them: they see it. */
export async function clearVisibility(scope: Scope, tx: Transaction, about: About): Promise<void> {
  const { agentId, memberId } = about
  found(await readAgent(tx, scope, agentId), 'agent')
  const [gone] = await removeVisibility(tx, scope, agentId, memberId)
  const { visibility } = found(gone, 'permission')
  await report(tx, 'agent.visibility_cleared', agentId, { memberId, visibility }, null)
}

type Values = Record<string, unknown> | null

const report = (tx: Transaction, action: string, resourceId: string, oldValues: Values, newValues: Values) =>
  tx.emit({ type: 'changed', action, resourceType: 'agent', resourceId, oldValues, newValues })
