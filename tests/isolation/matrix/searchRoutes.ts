import type { TenantEntry } from './tenantRoutes.ts'

export const searchRoutes: Readonly<Record<string, TenantEntry>> = {
  // It adds to the record of searches of whoever asks, and to nothing else.
  'POST /api/v1/knowledge/search': {
    permission: 'knowledge:read',
    status: 200,
    request: async make => {
      await make.chunk()
      return { path: '/api/v1/knowledge/search', body: { query: 'delivery' } }
    },
    reads: true,
  },
  'GET /api/v1/retrievals': {
    permission: 'knowledge:read',
    status: 200,
    request: async make => {
      await make.retrieval()
      return { path: '/api/v1/retrievals' }
    },
  },
  'GET /api/v1/retrievals/{id}': {
    permission: 'knowledge:read',
    status: 200,
    request: async make => ({ path: `/api/v1/retrievals/${await make.retrieval()}` }),
  },
  'GET /api/v1/chunks/{id}': {
    permission: 'knowledge:read',
    status: 200,
    request: async make => ({ path: `/api/v1/chunks/${await make.chunk()}` }),
  },
}
