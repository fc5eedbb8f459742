import { z } from 'zod'
import {
  countField,
  cursorId,
  idField,
  idParams,
  pageOf,
  pageQuery,
  type Route,
  tenantRoute,
  toPage,
} from '../http/index.ts'
import { found, handOverReasons, type Scope } from '../kernel/index.ts'
import { escalationStatuses } from './schema.ts'
import { type EscalationRow, listEscalations, readEscalation } from './store.ts'
import { listSurveys } from './surveyStore.ts'

const moment = z.iso.datetime()

const escalationView = z
  .object({
    id: z.uuid(),
    conversationId: z.uuid(),
    contactId: z.uuid().nullable(),
    runId: z.uuid().nullable(),
    epoch: z.int().describe('Of the conversation; who claims it names it'),
    reason: z.enum(handOverReasons),
    detail: z.string(),
    priority: z.int().describe('The higher, the more urgent'),
    status: z.enum(escalationStatuses),
    brief: z.object({
      summary: z.string(),
      asked: z.string(),
      tried: z.array(z.string()),
      contact: z.record(z.string(), z.string()),
    }),
    assignedMemberId: z.uuid().nullable(),
    assignedAt: moment.nullable(),
    resolvedAt: moment.nullable(),
    createdAt: moment,
  })
  .meta({ id: 'Escalation' })

const listQuery = pageQuery.extend({
  status: z.enum(escalationStatuses).optional(),
  conversationId: idField.optional(),
  assignedMemberId: idField.optional(),
})

/** A brief says who the visitor is: to those who may see contacts. */
const shownTo = ({ permissions }: Scope, row: EscalationRow): EscalationRow =>
  permissions.has('contacts:read') ? row : { ...row, brief: { ...row.brief, contact: {} } }

const surveyView = z
  .object({
    id: z.uuid(),
    conversationId: z.uuid(),
    contactId: z.uuid().nullable(),
    rating: z.int().describe('From 1 to 5'),
    comment: z.string().nullable(),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Survey' })

const surveyQuery = pageQuery.extend({
  conversationId: idField.optional(),
  rating: countField(1, 5).optional(),
})

const surveyRoute = tenantRoute({
  ...{ tag: 'Surveys', method: 'get', path: '/api/v1/surveys' },
  summary: 'What visitors think of their conversations, newest first',
  permission: 'conversations:read',
  query: surveyQuery,
  reply: pageOf(surveyView),
  handle: async ({ scope, tx, query }) => {
    const { cursor: _, ...filter } = query
    return toPage(await listSurveys(tx, scope, { ...filter, after: cursorId(query) }), query)
  },
})

/** Reading alone: taking and giving back are commands of the socket, where who does it is there to answer. */
export const deskRoutes = (): Route[] => [
  surveyRoute,
  tenantRoute({
    ...{ tag: 'Escalations', method: 'get', path: '/api/v1/escalations' },
    summary: 'Hand-overs to people, newest first',
    permission: 'conversations:read',
    query: listQuery,
    reply: pageOf(escalationView),
    handle: async ({ scope, tx, query }) => {
      const { cursor: _, ...filter } = query
      const rows = await listEscalations(tx, scope, { ...filter, after: cursorId(query) })
      return toPage(
        rows.map(row => shownTo(scope, row)),
        query,
      )
    },
  }),
  tenantRoute({
    ...{ tag: 'Escalations', method: 'get', path: '/api/v1/escalations/{id}' },
    summary: 'One hand-over with its brief',
    permission: 'conversations:read',
    params: idParams,
    reply: escalationView,
    handle: async ({ scope, tx, params }) =>
      shownTo(scope, found(await readEscalation(tx, scope, params.id), 'escalation')),
  }),
]
