import { z } from 'zod'
import {
  cursorId,
  idField,
  idParams,
  momentField,
  pageOf,
  pageQuery,
  type Route,
  tenantRoute,
  toPage,
} from '../http/index.ts'
import { found, ParleyError } from '../kernel/index.ts'
import { inCurrentPeriod, standingOf } from './account.ts'
import { type BudgetNow, listAlerts, readBudget } from './budgetStore.ts'
import { resolveAlert } from './resolveAlert.ts'
import { budgetPeriods, costServices, severities } from './schema.ts'
import { deleteBudget, setBudget } from './setBudget.ts'
import { groupings, listEvents, sumUp } from './store.ts'

const moment = z.iso.datetime()
const count = z.number().int()
const flag = z.enum(['true', 'false']).transform(value => value === 'true')

const eventView = z
  .object({
    id: z.uuid(),
    service: z.enum(costServices),
    provider: z.string(),
    model: z.string(),
    conversationId: z.uuid().nullable(),
    runId: z.uuid().nullable(),
    agentId: z.uuid().nullable(),
    sourceId: z.uuid().nullable(),
    inputTokens: count,
    outputTokens: count,
    cachedTokens: count,
    units: count.describe('How many things were reranked or embedded'),
    costUsd: z.number(),
    priced: z.boolean().describe('Whether its price was known; what is not known counts as nothing'),
    createdAt: moment,
  })
  .meta({ id: 'CostEvent' })

const eventFilters = pageQuery.extend({
  service: z.enum(costServices).optional(),
  model: z.string().max(200).optional(),
  priced: flag.optional(),
  conversationId: idField.optional(),
  runId: idField.optional(),
  agentId: idField.optional(),
  sourceId: idField.optional(),
  from: momentField.optional(),
  until: momentField.optional(),
})

const dayField = z.iso.date({ error: 'must be a day such as 2030-01-31' })

const summaryQuery = z.strictObject({
  from: dayField.optional().describe('First day, in UTC; 29 days before `to` unless given'),
  to: dayField.optional().describe('Last day; today unless given'),
  by: z.enum(groupings).default('day'),
})

const summaryView = z
  .object({
    from: z.string(),
    to: z.string(),
    by: z.enum(groupings),
    items: z.array(
      z.object({
        day: z.string().nullable(),
        service: z.string().nullable(),
        provider: z.string().nullable(),
        model: z.string().nullable(),
        events: count,
        inputTokens: count,
        outputTokens: count,
        costUsd: z.number(),
      }),
    ),
  })
  .meta({ id: 'CostSummary' })

const periodParams = z.strictObject({ period: z.enum(budgetPeriods) })

const budgetView = z
  .object({
    period: z.enum(budgetPeriods),
    limitUsd: z.number(),
    economyFrom: z.number(),
    builtInAfter: z.boolean(),
    alertAt: z.array(z.number()),
    periodStart: moment,
    spentUsd: z.number(),
    reservedUsd: z.number().describe('Set aside for answers that are being given'),
    createdAt: moment,
  })
  .meta({ id: 'Budget' })

/** Shares have three decimals. */
const share = (max: number) =>
  z
    .number()
    .min(0)
    .max(max)
    .transform(value => Math.round(value * 1_000) / 1_000)

const budgetInput = z.strictObject({
  limitUsd: z
    .number()
    .min(0)
    .max(1_000_000)
    .transform(value => Math.round(value * 1e8) / 1e8),
  economyFrom: share(1).default(0.8).describe('From this share of the limit on, the cheaper model answers'),
  builtInAfter: z
    .boolean()
    .default(true)
    .describe('Whether built-in answers go on when it is spent; otherwise people take over at once'),
  alertAt: z
    .array(share(2))
    .max(10)
    .default([0.5, 0.8, 1])
    .transform(shares => [...new Set(shares)].filter(value => value > 0).sort((one, other) => one - other))
    .describe('Shares of the limit at which an alert is raised, once in a period'),
})

const alertView = z
  .object({
    id: z.uuid(),
    period: z.enum(budgetPeriods),
    periodStart: moment,
    threshold: z.number(),
    currentSpend: z.number(),
    severity: z.enum(severities),
    resolved: z.boolean(),
    createdAt: moment,
  })
  .meta({ id: 'BudgetAlert' })

const dayMs = 86_400_000
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)

/** At most a year and a day, so that a year can be compared with the same day of the last one. */
function daysOf(query: z.output<typeof summaryQuery>) {
  const to = query.to ?? dayOf(Date.now())
  const from = query.from ?? dayOf(Date.parse(to) - 29 * dayMs)
  const days = (Date.parse(to) - Date.parse(from)) / dayMs
  if (!(days >= 0 && days <= 366))
    throw new ParleyError('invalid_request', undefined, {
      faults: [{ path: 'from', message: 'must be at most 366 days before `to`, and not after it' }],
    })
  return { from, to, by: query.by }
}

const viewOf = (budget: BudgetNow) => ({ ...budget, ...standingOf(inCurrentPeriod(budget)) })

const usageTag = { tag: 'Usage' } as const

export const usageRoutes = (): Route[] => [...costRoutes(), ...budgetRoutes(), ...alertRoutes()]

const costRoutes = (): Route[] => [
  tenantRoute({
    ...usageTag,
    method: 'get',
    path: '/api/v1/usage/events',
    summary: 'Calls of models and other services with what they cost, newest first',
    permission: 'usage:read',
    query: eventFilters,
    reply: pageOf(eventView),
    handle: async ({ scope, tx, query }) => {
      const { cursor: _, ...filter } = query
      return toPage(await listEvents(tx, scope, { ...filter, after: cursorId(query) }), query)
    },
  }),
  tenantRoute({
    ...usageTag,
    method: 'get',
    path: '/api/v1/usage/summary',
    summary: 'What was used and what it cost, by day, model or service, up to this moment',
    permission: 'usage:read',
    query: summaryQuery,
    reply: summaryView,
    handle: async ({ scope, tx, query }) => {
      const asked = daysOf(query)
      return { ...asked, items: await sumUp(tx, scope, asked) }
    },
  }),
]

const budgetRoutes = (): Route[] => [
  tenantRoute({
    ...usageTag,
    method: 'get',
    path: '/api/v1/usage/budgets/{period}',
    summary: 'The budget of a day or a month, and what of it is spent',
    permission: 'usage:read',
    params: periodParams,
    reply: budgetView,
    handle: async ({ scope, tx, params }) =>
      viewOf(found(await readBudget(tx, scope, params.period), 'budget')),
  }),
  tenantRoute({
    ...usageTag,
    method: 'put',
    path: '/api/v1/usage/budgets/{period}',
    summary: 'Set the budget of a day or a month; what was spent in it already counts',
    permission: 'usage:write',
    params: periodParams,
    body: budgetInput,
    reply: budgetView,
    handle: async ({ scope, tx, params, body }) => viewOf(await setBudget(scope, tx, params.period, body)),
  }),
  tenantRoute({
    ...usageTag,
    method: 'delete',
    path: '/api/v1/usage/budgets/{period}',
    summary: 'Spend without this budget; its alerts go with it',
    permission: 'usage:write',
    params: periodParams,
    handle: ({ scope, tx, params }) => deleteBudget(scope, tx, params.period),
  }),
]

const alertRoutes = (): Route[] => [
  tenantRoute({
    ...usageTag,
    method: 'get',
    path: '/api/v1/usage/alerts',
    summary: 'Shares of budgets that were reached, newest first',
    permission: 'usage:read',
    query: pageQuery.extend({ resolved: flag.optional() }),
    reply: pageOf(alertView),
    handle: async ({ scope, tx, query }) => {
      const { limit, resolved } = query
      return toPage(await listAlerts(tx, scope, { limit, resolved, after: cursorId(query) }), query)
    },
  }),
  tenantRoute({
    ...usageTag,
    method: 'post',
    path: '/api/v1/usage/alerts/{id}/resolve',
    summary: 'Mark an alert as seen to',
    permission: 'usage:write',
    params: idParams,
    reply: alertView,
    handle: ({ scope, tx, params }) => resolveAlert(scope, tx, params.id),
  }),
]
