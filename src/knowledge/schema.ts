import { sql } from 'drizzle-orm'
import {
  boolean,
  customType,
  foreignKey,
  halfvec,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { createdAt, id, moment, oneOf, tenantId, updatedAt } from '../db/columns.ts'
import { tenants } from '../tenancy/schema.ts'

export const sourceTypes = ['file', 'url', 'text', 'github'] as const
export type SourceType = (typeof sourceTypes)[number]
export const sourceStatuses = ['processing', 'ready', 'error'] as const
export const documentStatuses = ['ready', 'skipped', 'error'] as const
/** Every vector is kept in this width (DOMAIN: embedding width). */
export const dimensions = 1536

const ofTenant = () => tenantId().references(() => tenants.id, { onDelete: 'cascade' })
const object = (name: string) => jsonb(name).$type<Record<string, unknown>>().notNull().default({})
const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' })

/** How far a synchronisation has come, for people to watch. */
export interface Progress {
  readonly stage: 'waiting' | 'fetching' | 'reading' | 'embedding' | 'done'
  readonly done: number
  readonly total: number | null
}

/**
 * Where documents come from. `revision` fences: each synchronisation raises it, and what an older one still has to say is ignored. A source
 * without an agent serves all agents of its tenant. The keys to agents and members are written by hand in the migrations.
 */
export const knowledgeSources = pgTable(
  'knowledge_sources',
  {
    tenantId: ofTenant(),
    id: id(),
    agentId: uuid('agent_id'),
    name: text('name').notNull(),
    type: text('type', { enum: sourceTypes }).notNull(),
    status: text('status', { enum: sourceStatuses }).notNull().default('processing'),
    progress: jsonb('progress')
      .$type<Progress>()
      .notNull()
      .default({ stage: 'waiting', done: 0, total: null }),
    /** Of the last synchronisation, for a person to understand; the code stands in the room's own list. */
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    fileName: text('file_name'),
    fileType: text('file_type'),
    fileSize: integer('file_size'),
    /** Where the uploaded bytes lie in the file store. */
    storageKey: text('storage_key'),
    url: text('url'),
    /** What is crawled of a site or taken of a repository: limits, patterns, branch. Never a secret. */
    settings: object('settings'),
    sealedCredential: text('sealed_credential'),
    contentHash: text('content_hash'),
    /** Which model made its vectors: another one configured, and it is embedded anew. */
    embedder: text('embedder'),
    tags: text('tags').array().notNull().default([]),
    /** The pasted text of what was pasted. */
    metadata: object('metadata'),
    revision: integer('revision').notNull().default(1),
    documentCount: integer('document_count').notNull().default(0),
    chunkCount: integer('chunk_count').notNull().default(0),
    tokenCount: integer('token_count').notNull().default(0),
    syncedAt: moment('synced_at'),
    createdBy: uuid('created_by'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('knowledge_sources_agent').on(t.tenantId, t.agentId),
    oneOf('knowledge_sources_type', t.type, sourceTypes),
    oneOf('knowledge_sources_status', t.status, sourceStatuses),
  ],
)

/** One page of a site, one file of a repository, or the one document of an upload. */
export const knowledgeDocuments = pgTable(
  'knowledge_documents',
  {
    tenantId: ofTenant(),
    id: id(),
    sourceId: uuid('source_id').notNull(),
    /** Its address or path, unique in its source. */
    uri: text('uri').notNull(),
    title: text('title').notNull(),
    mimeType: text('mime_type').notNull(),
    contentHash: text('content_hash').notNull(),
    status: text('status', { enum: documentStatuses }).notNull().default('ready'),
    errorCode: text('error_code'),
    errorMessage: text('error_message'),
    pageCount: integer('page_count'),
    tokenCount: integer('token_count').notNull().default(0),
    metadata: object('metadata'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('knowledge_documents_uri').on(t.tenantId, t.sourceId, t.uri),
    foreignKey({
      name: 'knowledge_documents_source',
      columns: [t.tenantId, t.sourceId],
      foreignColumns: [knowledgeSources.tenantId, knowledgeSources.id],
    }).onDelete('cascade'),
    oneOf('knowledge_documents_status', t.status, documentStatuses),
  ],
)

/**
 * What is searched and cited. A parent holds a whole section for context and has no vector; the others are looked for. `search` is filled by the
 * statement that inserts. Vector indexes are made per large tenant when it has grown, never shared, so that no tenant's results depend on another's.
 */
export const knowledgeChunks = pgTable(
  'knowledge_chunks',
  {
    tenantId: ofTenant(),
    id: id(),
    sourceId: uuid('source_id').notNull(),
    documentId: uuid('document_id').notNull(),
    agentId: uuid('agent_id'),
    parentChunkId: uuid('parent_chunk_id'),
    /** Counts the chunks of a document in their order. */
    position: integer('position').notNull(),
    page: integer('page'),
    /** The headings above it, outermost first, joined by ` › `. */
    section: text('section').notNull().default(''),
    text: text('text').notNull(),
    tokenCount: integer('token_count').notNull(),
    contentHash: text('content_hash').notNull(),
    searchable: boolean('searchable').notNull().default(true),
    embedding: halfvec('embedding', { dimensions }),
    search: tsvector('search'),
    metadata: object('metadata'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('knowledge_chunks_place').on(t.tenantId, t.documentId, t.position),
    // A chunk that goes takes those under it along, which have to be found.
    index('knowledge_chunks_under')
      .on(t.tenantId, t.parentChunkId)
      .where(sql`${t.parentChunkId} is not null`),
    index('knowledge_chunks_source').on(t.tenantId, t.sourceId),
    index('knowledge_chunks_search').using('gin', t.search),
    foreignKey({
      name: 'knowledge_chunks_source_key',
      columns: [t.tenantId, t.sourceId],
      foreignColumns: [knowledgeSources.tenantId, knowledgeSources.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'knowledge_chunks_document',
      columns: [t.tenantId, t.documentId],
      foreignColumns: [knowledgeDocuments.tenantId, knowledgeDocuments.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'knowledge_chunks_parent',
      columns: [t.tenantId, t.parentChunkId],
      foreignColumns: [t.tenantId, t.id],
    }).onDelete('cascade'),
  ],
)

/** One chunk that a search considered, with what each step thought of it. */
export interface Candidate {
  readonly chunkId: string
  readonly vectorRank?: number
  readonly vectorScore?: number
  readonly textRank?: number
  readonly textScore?: number
  readonly fusedScore: number
  readonly rerankScore?: number
}

export const judgements = ['confident', 'unsure', 'none'] as const

/** One search, as it was done. Keys to conversations and runs are kept without a constraint: what was searched outlives them. */
export const retrievals = pgTable(
  'retrievals',
  {
    tenantId: ofTenant(),
    id: id(),
    agentId: uuid('agent_id'),
    conversationId: uuid('conversation_id'),
    runId: uuid('run_id'),
    query: text('query').notNull(),
    /** How the vectors were searched: exactly or by the tenant's own index. */
    method: text('method').notNull(),
    embedder: text('embedder').notNull(),
    candidates: jsonb('candidates').$type<Candidate[]>().notNull().default([]),
    /** The chunks that were handed on, best first. */
    chosen: uuid('chosen').array().notNull().default([]),
    reranker: text('reranker'),
    confidence: real('confidence').notNull(),
    judgement: text('judgement', { enum: judgements }).notNull(),
    reasoning: text('reasoning').notNull().default(''),
    latencyMs: real('latency_ms').notNull(),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('retrievals_time').on(t.tenantId, t.createdAt),
    index('retrievals_conversation').on(t.tenantId, t.conversationId),
    oneOf('retrievals_judgement', t.judgement, judgements),
  ],
)

/** A question asked anew after the first search found too little. */
export const queryRefinements = pgTable(
  'query_refinements',
  {
    tenantId: ofTenant(),
    id: id(),
    /** The search that was not good enough, and the one that followed. */
    retrievalId: uuid('retrieval_id').notNull(),
    refinedRetrievalId: uuid('refined_retrieval_id'),
    originalQuery: text('original_query').notNull(),
    refinedQuery: text('refined_query').notNull(),
    reasoning: text('reasoning').notNull().default(''),
    improvement: real('improvement'),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    index('query_refinements_retrieval').on(t.tenantId, t.retrievalId),
    foreignKey({
      name: 'query_refinements_retrieval_key',
      columns: [t.tenantId, t.retrievalId],
      foreignColumns: [retrievals.tenantId, retrievals.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'query_refinements_refined',
      columns: [t.tenantId, t.refinedRetrievalId],
      foreignColumns: [retrievals.tenantId, retrievals.id],
    }).onDelete('cascade'),
  ],
)

/** What was thought and done on the way to an answer, step by step. */
export const reasoningSteps = pgTable(
  'reasoning_steps',
  {
    tenantId: ofTenant(),
    id: id(),
    retrievalId: uuid('retrieval_id').notNull(),
    step: integer('step').notNull(),
    action: text('action').notNull(),
    reasoning: text('reasoning').notNull().default(''),
    result: text('result').notNull().default(''),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('reasoning_steps_order').on(t.tenantId, t.retrievalId, t.step),
    foreignKey({
      name: 'reasoning_steps_retrieval',
      columns: [t.tenantId, t.retrievalId],
      foreignColumns: [retrievals.tenantId, retrievals.id],
    }).onDelete('cascade'),
  ],
)

export const vectorText = (vector: Float32Array): string => `[${vector.join(',')}]`

/** Vectors are cast where they are written; nothing else of the type is needed. */
export const asVector = (vector: Float32Array) => sql`${vectorText(vector)}::halfvec(1536)`
