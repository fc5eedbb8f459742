import { type Farewell, formerVisitors } from '../contacts/index.ts'
import type { Database } from '../db/index.ts'
import { type Scope, systemScope } from '../kernel/index.ts'
import { widgetStandings } from './store.ts'

export type Unwelcome = Farewell | 'tenant_suspended'

type Visiting = Extract<Scope['actor'], { kind: 'visitor' }>

/**
 * Visitors of a widget that was switched off or removed, or of a workspace that is closed, those whose contact is no more, and
 * those who had it before it was proved to be somebody. One transaction per workspace.
 */
export async function unwelcomeVisitors(
  db: Database,
  scopes: readonly Scope[],
): Promise<Map<Scope, Unwelcome>> {
  const unwelcome = new Map<Scope, Unwelcome>()
  const visitors = scopes.flatMap(scope =>
    scope.actor.kind === 'visitor' ? [{ scope, visiting: scope.actor }] : [],
  )
  for (const [tenantId, ofTenant] of Map.groupBy(visitors, ({ scope }) => scope.tenantId)) {
    const judge = await standingsOf(db, tenantId, ofTenant)
    for (const { scope, visiting } of ofTenant) {
      const reason = judge(visiting)
      if (reason) unwelcome.set(scope, reason)
    }
  }
  return unwelcome
}

async function standingsOf(
  db: Database,
  tenantId: string,
  visitors: readonly { readonly visiting: Visiting }[],
): Promise<(visiting: Visiting) => Unwelcome | undefined> {
  const lookup = systemScope(tenantId, 'visitors')
  const each = (field: 'widgetId' | 'contactId') => [
    ...new Set(visitors.map(({ visiting }) => visiting[field])),
  ]
  const { rows, farewellTo } = await db.scoped(lookup, async tx => ({
    rows: await widgetStandings(tx, lookup, each('widgetId')),
    farewellTo: await formerVisitors(tx, lookup, each('contactId')),
  }))
  const widgets = new Map(rows.map(row => [row.id, row]))
  return visiting => {
    const widget = widgets.get(visiting.widgetId)
    if (widget?.tenantStatus === 'suspended') return 'tenant_suspended'
    if (!widget?.active || widget.tenantStatus !== 'active') return 'unauthenticated'
    return farewellTo(visiting)
  }
}
