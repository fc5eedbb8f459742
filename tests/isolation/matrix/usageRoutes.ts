import type { TenantEntry } from './tenantRoutes.ts'

export const usageRoutes: Readonly<Record<string, TenantEntry>> = {
  'GET /api/v1/usage/events': {
    permission: 'usage:read',
    status: 200,
    request: async make => {
      await make.cost()
      return { path: '/api/v1/usage/events' }
    },
  },
  'GET /api/v1/usage/summary': {
    permission: 'usage:read',
    status: 200,
    request: async make => {
      await make.cost()
      return { path: '/api/v1/usage/summary?by=model' }
    },
  },
  // Set before it is read: a budget is named by its period, so whoever looks from another workspace sees their own.
  'PUT /api/v1/usage/budgets/{period}': {
    permission: 'usage:write',
    status: 200,
    request: async make => {
      await make.budget()
      return { path: '/api/v1/usage/budgets/day', body: { limitUsd: 1 + Math.random() } }
    },
    audit: ['budget.updated', 'both'],
  },
  'GET /api/v1/usage/budgets/{period}': {
    permission: 'usage:read',
    status: 200,
    request: async make => {
      await make.budget()
      return { path: '/api/v1/usage/budgets/day' }
    },
  },
  'DELETE /api/v1/usage/budgets/{period}': {
    permission: 'usage:write',
    status: 204,
    request: async make => {
      await make.budget()
      return { path: '/api/v1/usage/budgets/day' }
    },
    audit: ['budget.deleted', 'old'],
  },
  'GET /api/v1/usage/alerts': {
    permission: 'usage:read',
    status: 200,
    request: async make => {
      await make.alert()
      return { path: '/api/v1/usage/alerts' }
    },
  },
  'POST /api/v1/usage/alerts/{id}/resolve': {
    permission: 'usage:write',
    status: 200,
    request: async make => ({ path: `/api/v1/usage/alerts/${await make.alert()}/resolve` }),
    audit: ['budget_alert.resolved', 'both'],
  },
}
