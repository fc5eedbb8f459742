import type { TenantEntry } from './tenantRoutes.ts'

export const deskRoutes: Readonly<Record<string, TenantEntry>> = {
  'GET /api/v1/surveys': {
    permission: 'conversations:read',
    status: 200,
    request: async make => {
      await make.survey()
      return { path: '/api/v1/surveys' }
    },
  },
  'GET /api/v1/escalations': {
    permission: 'conversations:read',
    status: 200,
    request: async make => {
      await make.escalation()
      return { path: '/api/v1/escalations' }
    },
  },
  'GET /api/v1/escalations/{id}': {
    permission: 'conversations:read',
    status: 200,
    request: async make => ({ path: `/api/v1/escalations/${await make.escalation()}` }),
  },
}
