import { z } from 'zod'
import { cursorId, idField, pageOf, pageQuery, type Route, tenantRoute, toPage } from '../../http/index.ts'
import { runStates } from '../runSchema.ts'
import { hiddenAgents } from '../visibilityStore.ts'
import { listRuns } from './runStore.ts'

const moment = z.iso.datetime()
const count = z.int()

const runView = z
  .object({
    id: z.uuid(),
    conversationId: z.uuid(),
    agentId: z.uuid(),
    agentVersion: count,
    state: z.enum(runStates),
    epoch: count,
    answersSeq: count.describe('Up to which entry of the log it answers'),
    attempt: count,
    provider: z.string(),
    model: z.string(),
    messageId: z.uuid().nullable(),
    regenerates: z.uuid().nullable().describe('The message whose place it takes'),
    finishReason: z.string().nullable(),
    error: z.string().nullable(),
    inputTokens: count,
    outputTokens: count,
    costUsd: z.number(),
    firstTokenMs: count.nullable(),
    createdAt: moment,
    finishedAt: moment.nullable(),
  })
  .meta({ id: 'AgentRun' })

export const runRoutes = (): Route[] => [
  tenantRoute({
    ...{ tag: 'Agents', method: 'get', path: '/api/v1/runs' },
    summary: 'Attempts to answer, newest first',
    permission: 'conversations:read',
    query: pageQuery.extend({ conversationId: idField.optional(), agentId: idField.optional() }),
    reply: pageOf(runView),
    handle: async ({ scope, tx, query }) => {
      const { cursor: _, ...filter } = query
      const hidden = await hiddenAgents(tx, scope)
      return toPage(await listRuns(tx, scope, { ...filter, hidden, after: cursorId(query) }), query)
    },
  }),
]
