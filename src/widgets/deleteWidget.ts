import type { Transaction } from '../db/index.ts'
import { found, type Scope } from '../kernel/index.ts'
import { lockWidget, removeWidget } from './store.ts'

/** Conversations that began in it stay and lose the reference. */
export async function deleteWidget(scope: Scope, tx: Transaction, id: string): Promise<void> {
  const before = found(await lockWidget(tx, scope, id), 'widget')
  await removeWidget(tx, scope, id)
  await tx.emit({
    type: 'changed',
    action: 'widget.deleted',
    resourceType: 'widget',
    resourceId: id,
    oldValues: { ...before },
    newValues: null,
  })
}
