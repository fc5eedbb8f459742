import { sql } from 'drizzle-orm'
import type { Ask, Database, Transaction } from '../db/index.ts'
import { isUuid, type Scope } from '../kernel/index.ts'
import { searchQuery } from './lexemes.ts'
import {
  type Candidate,
  knowledgeChunks,
  knowledgeDocuments,
  knowledgeSources,
  type SourceType,
  vectorText,
} from './schema.ts'
import { vectorIndexName } from './vectorIndexStore.ts'

/** How many each of the two searches gives. */
export const depth = 50

/** How the vectors were searched; `words`: not at all, because the question has none. */
export type Method = 'exact' | 'index' | 'words'

export interface SearchInput {
  /** Which model made the vector: those of another one cannot be compared with it. */
  readonly embedder: string
  readonly vector: Float32Array | undefined
  readonly lexemes: readonly string[]
  readonly agentId: string | undefined
  /** Nothing that serves these agents alone. */
  readonly hiddenAgents?: readonly string[] | undefined
  /** How many of the candidates are read with their text. */
  readonly withText: number
}

export interface FoundChunk extends Candidate {
  readonly text: string
  readonly title: string
  readonly uri: string
  readonly section: string
  readonly page: number | null
  readonly documentId: string
  readonly sourceId: string
  /** The section around it, where that is more. */
  readonly context: string | null
}

export interface SearchResult {
  readonly method: Method
  readonly candidates: readonly Candidate[]
  /** Those with text, best first. */
  readonly found: readonly FoundChunk[]
}

export type ChunkSearch = (
  db: Pick<Database, 'atOnce'>,
  scope: Scope,
  input: SearchInput,
) => Promise<SearchResult>

/**
 * Both searches and what they found: in one round trip, in two where an agent sees little of a large tenant. Which tenants have an index is
 * remembered from search to search, and asked for before the first one; it is a hint and no more, because each statement says whether there is
 * one, and finds what it should either way.
 */
export function createChunkSearch(): ChunkSearch {
  const indexed = new Map<string, boolean>()
  return async (db, scope, input) => {
    const run = (method: Method) => runSearch(db, scope, input, method)
    const { tenantId } = scope
    if (!input.vector) return (await run('words')).result
    if (!(indexed.get(tenantId) ?? (await hasIndex(db, scope)))) {
      const exact = await run('exact')
      indexed.set(tenantId, exact.indexed)
      return exact.result
    }
    const byIndex = await run('index')
    const near = byIndex.result.candidates.filter(({ vectorRank }) => vectorRank !== undefined).length
    indexed.set(tenantId, byIndex.indexed)
    // The index gives up after so many rows that the agent may not see; then few are left, and looking at all of them is quick.
    return near < depth || !byIndex.indexed ? (await run('exact')).result : byIndex.result
  }
}

/**
 * Until the end of the transaction. Sorting is forbidden so that the planner takes the index, whose worth it misjudges because the policy's
 * condition and our own look like two to it; and jit, which the price of what is forbidden would set going.
 */
const tuneIndexSearch: Ask<unknown> = {
  statement: {
    name: 'knowledge_search_tuning',
    text: `select set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', '200', true),
      set_config('hnsw.max_scan_tuples', '40000', true),
      set_config('enable_sort', 'off', true), set_config('jit', 'off', true)`,
  },
  values: [],
}

interface Row {
  indexed: boolean
  id: string
  vectorRank: number | null
  vectorScore: number | null
  textRank: number | null
  textScore: number | null
  fusedScore: number
  text: string | null
  title: string
  uri: string
  section: string
  page: number | null
  documentId: string
  sourceId: string
  context: string | null
}

/**
 * A statement that is put together from parts, and its values, each of which stands where `value` said. Without a name: which plan is good
 * depends on whose search it is.
 */
class Statement {
  readonly #values: (string | number)[] = []

  value(value: string | number): string {
    return `$${this.#values.push(value)}`
  }

  asks<Found>(text: string): Ask<Found> {
    return { statement: { name: '', text }, values: this.#values }
  }
}

async function runSearch(
  db: Pick<Database, 'atOnce'>,
  scope: Scope,
  input: SearchInput,
  method: Method,
): Promise<{ readonly result: SearchResult; readonly indexed: boolean }> {
  const search = searchFor(scope, input, method)
  const rows =
    method === 'index'
      ? (await db.atOnce(scope, [tuneIndexSearch, search]))[1]
      : (await db.atOnce(scope, [search]))[0]
  const ranked = rows.map(row => ({ row, candidate: candidateOf(row) }))
  const found = ranked.flatMap(({ row, candidate }) => {
    const { text, title, uri, section, page, documentId, sourceId, context } = row
    return text === null
      ? []
      : [{ ...candidate, text, title, uri, section, page, documentId, sourceId, context }]
  })
  return {
    result: { method, candidates: ranked.map(({ candidate }) => candidate), found },
    indexed: rows[0]?.indexed ?? false,
  }
}

const candidateOf = ({ id, vectorRank, vectorScore, textRank, textScore, fusedScore }: Row): Candidate => ({
  chunkId: id,
  ...(vectorRank !== null && vectorScore !== null && { vectorRank, vectorScore }),
  ...(textRank !== null && textScore !== null && { textRank, textScore }),
  fusedScore,
})

const isIndexed = (
  statement: Statement,
  tenantId: string,
): string => `exists (select from pg_index where indisvalid and indisready
  and indexrelid = to_regclass(${statement.value(`public.${vectorIndexName(tenantId)}`)}))`

/** After a restart nothing is known of a tenant, and a large one searched exactly would wait for seconds. */
async function hasIndex(db: Pick<Database, 'atOnce'>, scope: Scope): Promise<boolean> {
  const statement = new Statement()
  const asked = statement.asks<{ indexed: boolean }>(
    `select ${isIndexed(statement, scope.tenantId)} as indexed`,
  )
  const [rows] = await db.atOnce(scope, [asked])
  return rows[0]?.indexed ?? false
}

/** Joined by reciprocal rank; where that is equal, the id decides, so that a repeat gives the same. */
function searchFor(scope: Scope, input: SearchInput, method: Method): Ask<Row> {
  const statement = new Statement()
  const tenant = literal(scope.tenantId)
  return statement.asks(`
    with near as materialized (${nearest(statement, tenant, input, method)}),
      worded as materialized (${worded(statement, tenant, input)}),
      by_vector as (select id, 1 - distance as score, row_number() over (order by distance, id) as rank from near),
      by_words as (select id, score, row_number() over (order by score desc, id) as rank from worded),
      fused as (
        select id, v.rank::int as vector_rank, v.score as vector_score, w.rank::int as text_rank, w.score as text_score,
          coalesce(1.0::float8 / (60 + v.rank), 0) + coalesce(1.0::float8 / (60 + w.rank), 0) as score
        from by_vector v full join by_words w using (id)),
      placed as (select *, row_number() over (order by score desc, id) as place from fused)
    select ${isIndexed(statement, scope.tenantId)} as indexed,
      f.id, f.vector_rank as "vectorRank", f.vector_score as "vectorScore", f.text_rank as "textRank", f.text_score as "textScore", f.score as "fusedScore", c.text, d.title, d.uri, c.section, c.page,
      c.document_id as "documentId", c.source_id as "sourceId", p.text as context
    from placed f
      left join knowledge_chunks c on f.place <= ${statement.value(input.withText)} and c.tenant_id = ${tenant} and c.id = f.id
      left join knowledge_documents d on d.tenant_id = ${tenant} and d.id = c.document_id
      left join knowledge_chunks p on p.tenant_id = ${tenant} and p.id = c.parent_chunk_id
    order by f.place`)
}

/**
 * Without the sources whose vectors are another model's, until they are read in anew. The tenant is a literal, so that the planner sees that
 * its own index fits. In an exact search the sum keeps every index out of it.
 */
function nearest(statement: Statement, tenant: string, input: SearchInput, method: Method): string {
  const { vector, embedder } = input
  if (!vector || method === 'words') return 'select null::uuid as id, 0::float8 as distance where false'
  const distance = `embedding <=> ${statement.value(vectorText(vector))}::halfvec(1536)`
  const from = `from knowledge_chunks where tenant_id = ${tenant} and searchable and embedding is not null
    ${shown(statement, input)} and source_id <> all (array(
      select id from knowledge_sources where tenant_id = ${tenant} and embedder <> ${statement.value(embedder)}))`
  return method === 'index'
    ? `select id, ${distance} as distance ${from} order by distance limit ${depth}`
    : `select id, (${distance}) + 0 as distance ${from} order by distance, id limit ${depth}`
}

function worded(statement: Statement, tenant: string, input: SearchInput): string {
  const { lexemes } = input
  if (lexemes.length === 0) return 'select null::uuid as id, 0::float8 as score where false'
  // Divided by the logarithm of the length: a long chunk has every word sometime.
  return `select id, ts_rank_cd(search, asked, 1)::float8 as score
    from knowledge_chunks, (select ${statement.value(searchQuery(lexemes))}::tsquery as asked) question
    where tenant_id = ${tenant} and searchable and search @@ asked ${shown(statement, input)}
    order by score desc, id limit ${depth}`
}

function shown(statement: Statement, { agentId, hiddenAgents = [] }: SearchInput): string {
  const served =
    agentId === undefined ? '' : `and (agent_id is null or agent_id = ${statement.value(agentId)}::uuid)`
  if (hiddenAgents.length === 0) return served
  const hidden = statement.value(`{${hiddenAgents.join()}}`)
  return `${served} and (agent_id is null or agent_id <> all (${hidden}::uuid[]))`
}

function literal(tenantId: string): string {
  if (!isUuid(tenantId)) throw new Error('a tenant has no such id')
  return `'${tenantId}'::uuid`
}

export interface Citation {
  readonly id: string
  readonly text: string
  readonly section: string
  readonly page: number | null
  readonly position: number
  readonly context: string | null
  readonly documentId: string
  readonly title: string
  readonly uri: string
  readonly sourceId: string
  readonly sourceName: string
  readonly sourceType: SourceType
  /** The only agent that it serves, or null. */
  readonly agentId: string | null
}

export async function findCitation(tx: Transaction, scope: Scope, id: string): Promise<Citation | undefined> {
  const { rows } = await tx.sql.execute<Citation & Record<string, unknown>>(sql`
    select c.id, c.text, c.section, c.page, c.position, p.text as context, d.id as "documentId", d.title, d.uri,
      s.id as "sourceId", s.name as "sourceName", s.type as "sourceType",
      s.agent_id as "agentId"
    from ${knowledgeChunks} c
      join ${knowledgeDocuments} d on d.tenant_id = c.tenant_id and d.id = c.document_id
      join ${knowledgeSources} s on s.tenant_id = c.tenant_id and s.id = c.source_id
      left join ${knowledgeChunks} p on p.tenant_id = c.tenant_id and p.id = c.parent_chunk_id
    where c.tenant_id = ${scope.tenantId} and c.id = ${id}`)
  return rows[0]
}
