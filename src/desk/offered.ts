import type { Transaction } from '../db/index.ts'
import { ParleyError, type Scope, visitorOf } from '../kernel/index.ts'
import { readSettings } from '../widgets/index.ts'

/** Refuses what the widget of a conversation does not offer, by whichever its visitor comes now; that one is asked where the other is no more. */
export async function requireOffered(
  scope: Scope,
  tx: Transaction,
  what: 'rating' | 'transcript',
  { widgetId }: { readonly widgetId: string | null },
): Promise<void> {
  const settings = await readSettings(scope, tx, widgetId ?? visitorOf(scope).widgetId)
  if (settings?.chatWindow[what] === false) throw new ParleyError('forbidden', 'This is switched off here.')
}
