import { duplicateOf, type Transaction } from '../db/index.ts'
import { found, newTenantToken, ParleyError, type Scope } from '../kernel/index.ts'
import { insertWidget, type WidgetRow, type WidgetValues } from './store.ts'

export const widgetKeyPrefix = 'widget'

/** A public key names its widget and tenant; it is no secret, so a short random part is enough to tell widgets apart. */
const randomBytes = 9

export async function createWidget(
  scope: Scope,
  tx: Transaction,
  values: WidgetValues & { readonly name: string },
): Promise<WidgetRow> {
  const publicKey = newTenantToken(widgetKeyPrefix, scope.tenantId, randomBytes).token
  const widget = await withUniqueName(async () => {
    const [row] = await insertWidget(tx, scope, { ...values, publicKey })
    return found(row, 'widget')
  })
  await tx.emit({
    type: 'changed',
    action: 'widget.created',
    resourceType: 'widget',
    resourceId: widget.id,
    oldValues: null,
    newValues: { ...values, publicKey },
  })
  return widget
}

export async function withUniqueName<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (duplicateOf(error) === 'widgets_name')
      throw new ParleyError('conflict', 'A widget of this name exists already.')
    throw error
  }
}
