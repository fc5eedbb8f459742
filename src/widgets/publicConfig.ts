import type { Transaction } from '../db/index.ts'
import { found, type Scope } from '../kernel/index.ts'
import type { WidgetConfig } from '../protocol/index.ts'
import { hoursAt } from './hours.ts'
import { settingsOf } from './settings.ts'
import { spokenTo } from './spoken.ts'
import { readWidget } from './store.ts'

/** What rooms above know, and pages are told. */
export interface ShownElsewhere {
  /** How an agent presents itself, where it answers. */
  readonly agentFace: (scope: Scope, tx: Transaction, agentId: string) => Promise<WidgetConfig['agent']>
  /** Which files visitors may send. */
  readonly files: WidgetConfig['files']
}

/** What everybody may know of a widget. `languages`: those of the page that asks, in its order. */
export async function publicConfig(
  scope: Scope,
  tx: Transaction,
  { widgetId, languages }: { readonly widgetId: string; readonly languages: readonly string[] },
  { agentFace, files }: ShownElsewhere,
): Promise<WidgetConfig> {
  const widget = found(await readWidget(tx, scope, widgetId), 'widget')
  const { localeStrings, businessHours, ...settings } = settingsOf(widget)
  const { id, name, agentId, identityRequired } = widget
  return {
    ...{ id, name, identityRequired, files, ...settings },
    hours: hoursAt(businessHours, new Date()),
    offlineMessage: businessHours.offlineMessage ?? null,
    ownWords: localeStrings,
    spoken: spokenTo(languages, { ...settings, ownWords: localeStrings }),
    agent: agentId === null ? null : await agentFace(scope, tx, agentId),
  }
}
