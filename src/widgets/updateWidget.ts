import type { Transaction } from '../db/index.ts'
import { difference, found, type Scope } from '../kernel/index.ts'
import { withUniqueName } from './createWidget.ts'
import { type HiddenAgents, requireAgent } from './requireAgent.ts'
import { changeWidget, lockWidget, type WidgetRow, type WidgetValues } from './store.ts'

export async function updateWidget(
  scope: Scope,
  tx: Transaction,
  { hiddenAgents }: { readonly hiddenAgents: HiddenAgents },
  { id, patch }: { readonly id: string; readonly patch: WidgetValues },
): Promise<WidgetRow> {
  const before = found(await lockWidget(tx, scope, id), 'widget')
  // Whoever changes something else may say again what it was.
  if (patch.agentId !== before.agentId) await requireAgent(tx, scope, hiddenAgents, patch.agentId)
  const after = await withUniqueName(async () => {
    const [row] = await changeWidget(tx, scope, id, patch)
    return found(row, 'widget')
  })
  const { changed, ...values } = difference(before, after)
  if (changed) {
    await tx.emit({
      type: 'changed',
      action: 'widget.updated',
      resourceType: 'widget',
      resourceId: id,
      ...values,
    })
  }
  return after
}
