import { z } from 'zod'
import type { Database } from '../db/index.ts'
import { cursorId, pageOf, pageQuery, personRoute, type Route, tenantRoute, toPage } from '../http/index.ts'
import { listAuditLogs, listSecurityEvents } from './store.ts'

const auditView = z
  .object({
    id: z.uuid(),
    actorKind: z.string(),
    actorId: z.uuid().nullable(),
    userId: z.uuid().nullable(),
    action: z.string(),
    resourceType: z.string(),
    resourceId: z.string(),
    oldValues: z.record(z.string(), z.unknown()).nullable(),
    newValues: z.record(z.string(), z.unknown()).nullable(),
    ipAddress: z.string().nullable(),
    userAgent: z.string().nullable(),
    requestId: z.string().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'AuditEntry' })

const securityEventView = z
  .object({
    id: z.uuid(),
    action: z.string(),
    oldValues: z.record(z.string(), z.unknown()).nullable(),
    newValues: z.record(z.string(), z.unknown()).nullable(),
    ipAddress: z.string().nullable(),
    userAgent: z.string().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'SecurityEvent' })

const word = z.string().max(100).optional()

export function complianceRoutes({ db }: { readonly db: Database }): Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/api/v1/audit',
      tag: 'Audit',
      summary: 'Who changed what, newest first',
      permission: 'audit:read',
      query: pageQuery.extend({ resourceType: word, resourceId: word, action: word }),
      reply: pageOf(auditView),
      handle: async ({ scope, tx, query }) => {
        const { limit, resourceType, resourceId, action } = query
        const rows = await listAuditLogs(tx, scope, {
          limit,
          after: cursorId(query),
          resourceType,
          resourceId,
          action,
        })
        return toPage(rows, query)
      },
    }),
    personRoute({
      method: 'get',
      path: '/api/v1/me/security-events',
      tag: 'Me',
      summary: 'What happened to my account, newest first',
      query: pageQuery,
      reply: pageOf(securityEventView),
      handle: async ({ identity, query }) => {
        const page = { limit: query.limit, after: cursorId(query) }
        const rows = await db.identity(identity.userId, tx => listSecurityEvents(tx, identity.userId, page))
        return toPage(rows, query)
      },
    }),
  ]
}
