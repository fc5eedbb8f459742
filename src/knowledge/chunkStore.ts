import { sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import { newId, type Scope, takingTurns } from '../kernel/index.ts'
import type { Chunk, Parent } from './chunkDocument.ts'
import { searchVector } from './lexemes.ts'
import { knowledgeChunks, vectorText } from './schema.ts'

/** Where chunks belong. */
export interface ChunkPlace {
  readonly sourceId: string
  readonly documentId: string
  /** The only agent they serve; null for all agents of the tenant. */
  readonly agentId: string | null
  /** Of the document: it is searched with each of its chunks. */
  readonly title: string
}

/** A chunk with its vector, without which it is found by its words alone, and the id that it is known by, if it is. */
export type EmbeddedChunk = Chunk & {
  readonly embedding?: Float32Array | undefined
  readonly id?: string | undefined
}

/** A document as digestDocument cut it. */
export interface EmbeddedDigest {
  readonly sections: readonly Parent[]
  readonly chunks: readonly EmbeddedChunk[]
}

interface NewRow extends Parent {
  readonly id: string
  readonly parentId: string | null
  readonly embedding: string | null
  readonly search: string | null
}

/** A statement with more rows has megabytes of vectors; everybody on the embedded database waits for it. */
const rowsAtOnce = 200

/** Stores a document's sections and chunks. A section that is its only chunk is not stored twice. */
export async function insertChunks(
  tx: Transaction,
  scope: Scope,
  place: ChunkPlace,
  digest: EmbeddedDigest,
): Promise<void> {
  const othersToo = takingTurns()
  let rows: NewRow[] = []
  for (const row of rowsOf(place, digest)) {
    rows.push(row)
    await othersToo()
    if (rows.length < rowsAtOnce) continue
    await insertRows(tx, scope, place, rows)
    rows = []
  }
  if (rows.length > 0) await insertRows(tx, scope, place, rows)
}

/** Sections first, because chunks refer to them. One by one: of a book, vectors and words are some seconds of work and many megabytes. */
function* rowsOf({ title }: ChunkPlace, { sections, chunks }: EmbeddedDigest): Generator<NewRow> {
  const told = new Set(
    chunks.filter(chunk => sections[chunk.parent]?.text !== chunk.text).map(chunk => chunk.parent),
  )
  const parents = new Map<number, NewRow>()
  for (const index of told) {
    const section = sections[index]
    if (section)
      parents.set(index, { ...section, id: newId(), parentId: null, embedding: null, search: null })
  }
  yield* parents.values()
  for (const chunk of chunks)
    yield {
      ...chunk,
      id: chunk.id ?? newId(),
      parentId: parents.get(chunk.parent)?.id ?? null,
      embedding: chunk.embedding ? vectorText(chunk.embedding) : null,
      search: searchVector({ title, section: chunk.section, text: chunk.text }),
    }
}

async function insertRows(
  tx: Transaction,
  { tenantId }: Scope,
  { sourceId, documentId, agentId }: ChunkPlace,
  rows: readonly NewRow[],
): Promise<void> {
  const column = (value: (row: NewRow) => unknown) => sql.param(rows.map(value))
  await tx.sql.execute(sql`
    insert into ${knowledgeChunks} (tenant_id, id, source_id, document_id, agent_id, parent_chunk_id, position, page,
      section, text, token_count, content_hash, searchable, embedding, search)
    select ${tenantId}::uuid, id, ${sourceId}::uuid, ${documentId}::uuid, ${agentId}::uuid, parent, position, page,
      section, text, tokens, hash, search is not null, embedding::halfvec(1536), search::tsvector
    from unnest(${column(row => row.id)}::uuid[], ${column(row => row.parentId)}::uuid[],
      ${column(row => row.position)}::int[], ${column(row => row.page ?? null)}::int[],
      ${column(row => row.section)}::text[], ${column(row => row.text)}::text[],
      ${column(row => row.tokenCount)}::int[], ${column(row => row.contentHash)}::text[],
      ${column(row => row.embedding)}::text[], ${column(row => row.search)}::text[])
      as given (id, parent, position, page, section, text, tokens, hash, embedding, search)`)
}
