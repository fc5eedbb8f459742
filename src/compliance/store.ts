import { and, desc, eq, lt } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { auditLogs, securityEvents } from './schema.ts'

export const insertAuditLog = (tx: Transaction, values: typeof auditLogs.$inferInsert) =>
  tx.sql.insert(auditLogs).values(values)

export interface AuditFilter {
  readonly limit: number
  readonly after: string | undefined
  readonly resourceType?: string | undefined
  readonly resourceId?: string | undefined
  readonly action?: string | undefined
}

export const listAuditLogs = (tx: Transaction, scope: Scope, filter: AuditFilter) =>
  tx.sql
    .select()
    .from(auditLogs)
    .where(
      and(
        eq(auditLogs.tenantId, scope.tenantId),
        filter.after === undefined ? undefined : lt(auditLogs.id, filter.after),
        filter.resourceType === undefined ? undefined : eq(auditLogs.resourceType, filter.resourceType),
        filter.resourceId === undefined ? undefined : eq(auditLogs.resourceId, filter.resourceId),
        filter.action === undefined ? undefined : eq(auditLogs.action, filter.action),
      ),
    )
    .orderBy(desc(auditLogs.id))
    .limit(filter.limit + 1)

/** A person's own (parley_identity). */
export const listSecurityEvents = (
  tx: Transaction,
  userId: string,
  page: { readonly limit: number; readonly after: string | undefined },
) =>
  tx.sql
    .select()
    .from(securityEvents)
    .where(
      and(
        eq(securityEvents.userId, userId),
        page.after === undefined ? undefined : lt(securityEvents.id, page.after),
      ),
    )
    .orderBy(desc(securityEvents.id))
    .limit(page.limit + 1)
