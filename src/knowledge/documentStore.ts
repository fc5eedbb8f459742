import { and, asc, eq, gt, inArray, isNotNull, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Transaction } from '../db/index.ts'
import { newId, type Scope, takingTurns } from '../kernel/index.ts'
import { asVector, knowledgeChunks, knowledgeDocuments } from './schema.ts'

export type DocumentRow = typeof knowledgeDocuments.$inferSelect

/** What is kept of a document so that the next synchronisation knows what has changed. */
const documentMetadata = z.object({
  /** Which model made its vectors. */
  embedder: z.string().optional(),
  /** Of everything that was cut from it. */
  digest: z.string().optional(),
  /** By what its origin tells versions apart. */
  version: z.string().optional(),
  language: z.string().optional(),
})

export type DocumentMetadata = z.output<typeof documentMetadata>

export interface KnownDocument {
  readonly id: string
  readonly uri: string
  readonly title: string
  readonly status: DocumentRow['status']
  readonly errorCode: string | null
  readonly contentHash: string
  readonly metadata: DocumentMetadata
}

const ofSource = ({ tenantId }: Scope, sourceId: string) =>
  and(eq(knowledgeDocuments.tenantId, tenantId), eq(knowledgeDocuments.sourceId, sourceId))

export async function knownDocuments(
  tx: Transaction,
  scope: Scope,
  sourceId: string,
): Promise<Map<string, KnownDocument>> {
  const { id, uri, title, status, errorCode, contentHash, metadata } = knowledgeDocuments
  const rows = await tx.sql
    .select({ id, uri, title, status, errorCode, contentHash, metadata })
    .from(knowledgeDocuments)
    .where(ofSource(scope, sourceId))
  return new Map(rows.map(row => [row.uri, { ...row, metadata: documentMetadata.parse(row.metadata) }]))
}

/** In the order in which they were first met. */
export const listDocuments = (
  tx: Transaction,
  scope: Scope,
  sourceId: string,
  filter: { limit: number; after: string | undefined; status: DocumentRow['status'] | undefined },
) =>
  tx.sql
    .select()
    .from(knowledgeDocuments)
    .where(
      and(
        ofSource(scope, sourceId),
        filter.after === undefined ? undefined : gt(knowledgeDocuments.id, filter.after),
        filter.status === undefined ? undefined : eq(knowledgeDocuments.status, filter.status),
      ),
    )
    .orderBy(asc(knowledgeDocuments.id))
    .limit(filter.limit + 1)

export type DocumentValues = Pick<
  DocumentRow,
  | 'uri'
  | 'title'
  | 'mimeType'
  | 'contentHash'
  | 'status'
  | 'errorCode'
  | 'errorMessage'
  | 'pageCount'
  | 'tokenCount'
> & { readonly metadata: DocumentMetadata }

/** Puts it into the place of what was there under its address; that keeps its id. */
export async function saveDocument(
  tx: Transaction,
  { tenantId }: Scope,
  sourceId: string,
  values: DocumentValues,
): Promise<string> {
  const row = { ...values, metadata: { ...values.metadata } }
  const [saved] = await tx.sql
    .insert(knowledgeDocuments)
    .values({ ...row, tenantId, sourceId })
    .onConflictDoUpdate({
      target: [knowledgeDocuments.tenantId, knowledgeDocuments.sourceId, knowledgeDocuments.uri],
      set: { ...row, updatedAt: new Date() },
    })
    .returning({ id: knowledgeDocuments.id })
  return saved?.id ?? newId()
}

export const changeDocument = (
  tx: Transaction,
  { tenantId }: Scope,
  id: string,
  values: Partial<Omit<DocumentValues, 'metadata'>> & { readonly metadata?: Record<string, unknown> },
) =>
  tx.sql
    .update(knowledgeDocuments)
    .set({ ...values, updatedAt: new Date() })
    .where(and(eq(knowledgeDocuments.tenantId, tenantId), eq(knowledgeDocuments.id, id)))

/** With their chunks. */
export async function removeDocuments(
  tx: Transaction,
  { tenantId }: Scope,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return
  await tx.sql
    .delete(knowledgeDocuments)
    .where(and(eq(knowledgeDocuments.tenantId, tenantId), inArray(knowledgeDocuments.id, [...ids])))
}

const chunksOf = ({ tenantId }: Scope, documentId: string) =>
  and(eq(knowledgeChunks.tenantId, tenantId), eq(knowledgeChunks.documentId, documentId))

/** Gives back under which ids its passages were known, by the hash of what they say, in the order of the document. */
export async function removeChunks(
  tx: Transaction,
  scope: Scope,
  documentId: string,
): Promise<Map<string, string[]>> {
  const { id, contentHash, position, searchable } = knowledgeChunks
  const gone = await tx.sql
    .delete(knowledgeChunks)
    .where(chunksOf(scope, documentId))
    .returning({ id, contentHash, position, searchable })
  const ids = new Map<string, string[]>()
  for (const chunk of gone.filter(row => row.searchable).sort((one, other) => one.position - other.position))
    ids.set(chunk.contentHash, [...(ids.get(chunk.contentHash) ?? []), chunk.id])
  return ids
}

/** As many vectors as are read at a time: each is a text of fifteen thousand characters. */
const vectorsAtOnce = 100

/** The vectors of a document, by the hash of what they were made of. */
export async function vectorsOf(
  tx: Transaction,
  scope: Scope,
  documentId: string,
): Promise<Map<string, Float32Array>> {
  const { contentHash: hash, position, embedding } = knowledgeChunks
  const vectors = new Map<string, Float32Array>()
  const othersToo = takingTurns()
  for (let after = -1; ; ) {
    const rows = await tx.sql
      .select({ hash, position, text: sql<string>`${embedding}::text` })
      .from(knowledgeChunks)
      .where(and(chunksOf(scope, documentId), isNotNull(embedding), gt(position, after)))
      .orderBy(asc(position))
      .limit(vectorsAtOnce)
    for (const row of rows) {
      vectors.set(row.hash, Float32Array.from(JSON.parse(row.text)))
      after = row.position
      await othersToo()
    }
    if (rows.length < vectorsAtOnce) return vectors
  }
}

/** What is searched of a document. */
export const passagesOf = (tx: Transaction, scope: Scope, documentId: string) =>
  tx.sql
    .select({ id: knowledgeChunks.id, section: knowledgeChunks.section, text: knowledgeChunks.text })
    .from(knowledgeChunks)
    .where(and(chunksOf(scope, documentId), eq(knowledgeChunks.searchable, true)))
    .orderBy(asc(knowledgeChunks.position))

export async function setVector(
  tx: Transaction,
  { tenantId }: Scope,
  id: string,
  vector: Float32Array,
): Promise<void> {
  await tx.sql
    .update(knowledgeChunks)
    .set({ embedding: asVector(vector) })
    .where(and(eq(knowledgeChunks.tenantId, tenantId), eq(knowledgeChunks.id, id)))
}

export interface Counts {
  readonly documentCount: number
  readonly chunkCount: number
  readonly tokenCount: number
  readonly failed: number
  /** Whether one model made all vectors, and which. */
  readonly embedder: string | null
}

export async function countUp(tx: Transaction, scope: Scope, sourceId: string): Promise<Counts> {
  const ready = sql`filter (where ${knowledgeDocuments.status} = 'ready')`
  const embedder = sql`${knowledgeDocuments.metadata}->>'embedder'`
  const [documents] = await tx.sql
    .select({
      documentCount: sql<number>`(count(*) ${ready})::int`,
      tokenCount: sql<number>`coalesce(sum(${knowledgeDocuments.tokenCount}) ${ready}, 0)::int`,
      failed: sql<number>`(count(*) filter (where ${knowledgeDocuments.status} = 'error'))::int`,
      embedder: sql<
        string | null
      >`case when count(distinct ${embedder}) ${ready} = 1 then min(${embedder}) ${ready} end`,
    })
    .from(knowledgeDocuments)
    .where(ofSource(scope, sourceId))
  const [chunks] = await tx.sql
    .select({ chunkCount: sql<number>`count(*)::int` })
    .from(knowledgeChunks)
    .where(
      and(
        eq(knowledgeChunks.tenantId, scope.tenantId),
        eq(knowledgeChunks.sourceId, sourceId),
        eq(knowledgeChunks.searchable, true),
      ),
    )
  const none = { documentCount: 0, tokenCount: 0, failed: 0, embedder: null }
  return { ...(documents ?? none), chunkCount: chunks?.chunkCount ?? 0 }
}

/** The first thing that went wrong with a document, where there is only one. */
export async function onlyProblem(tx: Transaction, scope: Scope, sourceId: string) {
  const rows = await tx.sql
    .select({ code: knowledgeDocuments.errorCode, message: knowledgeDocuments.errorMessage })
    .from(knowledgeDocuments)
    .where(ofSource(scope, sourceId))
    .limit(2)
  return rows.length === 1 ? rows[0] : undefined
}
