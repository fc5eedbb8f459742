import { z } from 'zod'
import type { Database } from '../db/index.ts'
import {
  cursorId,
  idField,
  idParams,
  outsideRoute,
  pageOf,
  pageQuery,
  type Route,
  tenantRoute,
  textField,
  toPage,
} from '../http/index.ts'
import { found, notFound } from '../kernel/index.ts'
import { readCitation } from './readCitation.ts'
import { listRetrievals, readRetrieval, refinementsOf, stepsOf } from './retrievalStore.ts'
import type { Retriever } from './retrieve.ts'
import { judgements } from './schema.ts'
import type { AgentVisibility } from './visibility.ts'

const count = z.number().int()
const share = z.number().describe('From 0 to 1')
const methods = z
  .string()
  .describe(
    '`exact`: every vector was compared; `index`: by the index of the workspace; `words`: by words alone',
  )

const passageView = z.object({
  number: count,
  id: z.uuid().describe('Of the chunk'),
  title: z.string(),
  uri: z.string(),
  section: z.string().optional(),
  page: count.optional(),
  text: z.string(),
  context: z.string().optional().describe('The section around it, where that is more'),
  documentId: z.uuid(),
  sourceId: z.uuid(),
})

const searchInput = z.strictObject({
  query: textField(2_000).refine(text => text.trim() !== '', 'must not be empty'),
  agentId: idField.optional().describe('Only what serves this agent; everything unless given'),
  limit: z.number().int().min(1).max(20).default(6),
})

const searchView = z
  .object({
    id: z.uuid().describe('Under which the search is on record'),
    confidence: share,
    judgement: z.enum(judgements),
    latencyMs: z.number(),
    passages: z.array(passageView),
  })
  .meta({ id: 'KnowledgeSearch' })

const retrievalFields = {
  id: z.uuid(),
  agentId: z.uuid().nullable(),
  conversationId: z.uuid().nullable(),
  runId: z.uuid().nullable(),
  query: z.string(),
  method: methods,
  embedder: z.string(),
  reranker: z.string().nullable().describe('null: the order of the search stands'),
  chosen: z.array(z.uuid()).describe('The chunks that were handed on, best first'),
  confidence: share,
  judgement: z.enum(judgements),
  latencyMs: z.number(),
  createdAt: z.iso.datetime(),
}

const retrievalView = z.object(retrievalFields).meta({ id: 'Retrieval' })

const candidateView = z.object({
  chunkId: z.uuid(),
  vectorRank: count.optional(),
  vectorScore: z.number().optional(),
  textRank: count.optional(),
  textScore: z.number().optional(),
  fusedScore: z.number(),
  rerankScore: z.number().optional(),
})

const wholeRetrievalView = z
  .object({
    ...retrievalFields,
    candidates: z.array(candidateView).describe('Best first, before they were ranked'),
    refinements: z.array(
      z.object({
        id: z.uuid(),
        refinedRetrievalId: z.uuid().nullable(),
        originalQuery: z.string(),
        refinedQuery: z.string(),
        reasoning: z.string(),
        improvement: z.number().nullable(),
        createdAt: z.iso.datetime(),
      }),
    ),
    steps: z.array(z.object({ step: count, action: z.string(), reasoning: z.string(), result: z.string() })),
  })
  .meta({ id: 'RetrievalDetails' })

const citationView = z
  .object({
    id: z.uuid(),
    text: z.string(),
    section: z.string(),
    page: count.nullable(),
    position: count,
    context: z.string().nullable().describe('The section around it, where that is more'),
    documentId: z.uuid(),
    title: z.string(),
    uri: z.string(),
    sourceId: z.uuid(),
    sourceName: z.string(),
  })
  .meta({ id: 'Citation' })

const tagged = { tag: 'Knowledge', permission: 'knowledge:read' } as const

interface SearchRouteParts {
  readonly db: Database
  readonly retriever: Retriever
  readonly visibility: AgentVisibility
}

export const searchRoutes = ({ db, retriever, visibility }: SearchRouteParts): Route[] => [
  outsideRoute({
    ...tagged,
    method: 'post',
    path: '/api/v1/knowledge/search',
    summary: 'Try what would be found for a question; it is recorded like any search',
    body: searchInput,
    reply: searchView,
    handle: async ({ scope, body }) => {
      const hiddenAgents = await db.scoped(scope, tx => visibility.hiddenAgents(tx, scope))
      const { recorded, ...retrieval } = await retriever.retrieve(scope, { ...body, hiddenAgents })
      // So that it can be read under its id at once.
      await recorded
      return retrieval
    },
  }),
  tenantRoute({
    ...tagged,
    method: 'get',
    path: '/api/v1/retrievals',
    summary: 'Searches as they were done, newest first',
    query: pageQuery.extend({ conversationId: idField.optional() }),
    reply: pageOf(retrievalView),
    handle: async ({ scope, tx, query }) => {
      const { limit, conversationId } = query
      const hidden = await visibility.hiddenAgents(tx, scope)
      const filter = { limit, conversationId, hidden, after: cursorId(query) }
      return toPage(await listRetrievals(tx, scope, filter), query)
    },
  }),
  tenantRoute({
    ...tagged,
    method: 'get',
    path: '/api/v1/retrievals/{id}',
    summary: 'One search with its candidates, how it was asked again, and what was thought of it',
    params: idParams,
    reply: wholeRetrievalView,
    handle: async ({ scope, tx, params }) => {
      const retrieval = found(await readRetrieval(tx, scope, params.id), 'retrieval')
      const { agentId } = retrieval
      if (agentId !== null && (await visibility.hiddenAgents(tx, scope)).includes(agentId))
        throw notFound('retrieval')
      const [refinements, steps] = await Promise.all([
        refinementsOf(tx, scope, params.id),
        stepsOf(tx, scope, params.id),
      ])
      return { ...retrieval, refinements, steps }
    },
  }),
  tenantRoute({
    ...tagged,
    method: 'get',
    path: '/api/v1/chunks/{id}',
    summary: 'What an answer refers to, with its document, page and section',
    params: idParams,
    reply: citationView,
    handle: ({ scope, tx, params }) => readCitation(scope, tx, visibility, params.id),
  }),
]
