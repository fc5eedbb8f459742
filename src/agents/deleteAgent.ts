import type { Transaction } from '../db/index.ts'
import { found, type Scope } from '../kernel/index.ts'
import { withoutSecrets } from './definition.ts'
import { lockAgent, readAgent, removeAgent } from './store.ts'

/** Its versions, runs and own documents go with it; conversations, widgets and memories stay without it. Who waits for its answer gets a person's. */
export async function deleteAgent(scope: Scope, tx: Transaction, id: string): Promise<void> {
  found(await readAgent(tx, scope, id), 'agent')
  // Before it is locked: runs lock their conversation first, and then its agent.
  await tx.emit({ type: 'agent.leaves', agentId: id })
  const before = found(await lockAgent(tx, scope, id), 'agent')
  await removeAgent(tx, scope, id)
  await tx.emit({
    type: 'changed',
    action: 'agent.deleted',
    resourceType: 'agent',
    resourceId: id,
    oldValues: { ...withoutSecrets(before) },
    newValues: null,
  })
}
