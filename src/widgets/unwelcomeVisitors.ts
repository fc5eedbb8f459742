import type { Database } from '../db/index.ts'
import { type Scope, systemScope } from '../kernel/index.ts'
import { widgetStandings } from './store.ts'

const widgetOf = ({ actor }: Scope) => (actor.kind === 'visitor' ? actor.widgetId : undefined)

/** Visitors of a widget that was switched off or removed, or of a workspace that is closed. One question per workspace. */
export async function unwelcomeVisitors(
  db: Database,
  scopes: readonly Scope[],
): Promise<Map<Scope, 'unauthenticated' | 'tenant_suspended'>> {
  const unwelcome = new Map<Scope, 'unauthenticated' | 'tenant_suspended'>()
  const visitors = scopes.filter(scope => widgetOf(scope) !== undefined)
  for (const [tenantId, ofTenant] of Map.groupBy(visitors, scope => scope.tenantId)) {
    const lookup = systemScope(tenantId, 'visitors')
    const ids = [...new Set(ofTenant.map(widgetOf).filter(id => id !== undefined))]
    const rows = await db.scoped(lookup, tx => widgetStandings(tx, lookup, ids))
    const standing = new Map(rows.map(row => [row.id, row]))
    for (const scope of ofTenant) {
      const widget = standing.get(widgetOf(scope) ?? '')
      if (widget?.tenantStatus === 'suspended') unwelcome.set(scope, 'tenant_suspended')
      else if (!widget?.active || widget.tenantStatus !== 'active') unwelcome.set(scope, 'unauthenticated')
    }
  }
  return unwelcome
}
