import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { settingsOf, type WidgetSettings } from './settings.ts'
import { readWidget } from './store.ts'

/** Of a widget that is no more there is nothing to be said. */
export async function readSettings(
  scope: Scope,
  tx: Transaction,
  widgetId: string,
): Promise<WidgetSettings | undefined> {
  const widget = await readWidget(tx, scope, widgetId)
  return widget && settingsOf(widget)
}
