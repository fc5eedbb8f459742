import { createLog, createMetrics, newId, type Scope } from '../../src/kernel/index.ts'
import { chunkDocument } from '../../src/knowledge/chunkDocument.ts'
import {
  createRetriever,
  insertChunks,
  type Retriever,
  type RetrieverParts,
} from '../../src/knowledge/index.ts'
import { builtInEmbedder } from '../../src/providers/builtInEmbedder.ts'
import type { Embedder } from '../../src/providers/embeddings.ts'
import { readMarkdown } from '../../src/providers/reading/markdown.ts'
import type { CallMade } from '../../src/usage/index.ts'
import type { DatabaseKind } from './databases.ts'
import { type OpenDatabase, openDatabase, scopeOf } from './isolation.ts'
import { clusteredVector } from './vectors.ts'

interface Added {
  readonly title: string
  readonly text: string
  readonly agentId?: string
  readonly embedder?: Embedder
}

export interface KnowledgeWorld extends OpenDatabase {
  readonly calls: CallMade[]
  newTenant(): Promise<Scope>
  newAgent(scope: Scope): Promise<string>
  newSource(scope: Scope, document: Pick<Added, 'title' | 'agentId'>, embedder?: string): Promise<Place>
  /** Reads Markdown in, as a source of its own. */
  add(scope: Scope, document: Added): Promise<Place>
  /** Chunks that say `entry 7` and have the seventh vector. */
  addNumbered(
    scope: Scope,
    count: number,
    options?: { readonly from?: number; readonly agentId?: string },
  ): Promise<Place>
  retriever(parts?: Partial<RetrieverParts>): Retriever
}

interface Place {
  readonly sourceId: string
  readonly documentId: string
}

/** Around which the numbered vectors gather. */
export const clusters = 12
export const silent = createLog({ level: 'silent' })

export async function openKnowledge(kind: DatabaseKind): Promise<KnowledgeWorld> {
  const database = await openDatabase(kind)
  const { owner, db } = database
  const calls: CallMade[] = []
  const metrics = createMetrics()
  const newSource: KnowledgeWorld['newSource'] = async (scope, { title, agentId }, embedder) => {
    const [sourceId, documentId] = [newId(), newId()]
    await owner.query(
      `insert into knowledge_sources (tenant_id, id, agent_id, name, type, status, embedder)
       values ($1, $2, $3, $4, 'text', 'ready', $5)`,
      [scope.tenantId, sourceId, agentId, title, embedder ?? builtInEmbedder.id],
    )
    await owner.query(
      `insert into knowledge_documents (tenant_id, id, source_id, uri, title, mime_type, content_hash)
       values ($1, $2, $3, $4, $5, 'text/markdown', '')`,
      [scope.tenantId, documentId, sourceId, `${title}.md`, title],
    )
    return { sourceId, documentId }
  }
  return {
    ...database,
    calls,
    newSource,
    newTenant: async () => {
      const id = newId()
      await owner.query('insert into tenants (id, name, slug) values ($1, $2, $3)', [id, 'T', `t-${id}`])
      return scopeOf(id)
    },
    newAgent: async ({ tenantId }) => {
      const id = newId()
      await owner.query('insert into agents (tenant_id, id, name) values ($1, $2, $3)', [
        tenantId,
        id,
        `Agent ${id}`,
      ])
      return id
    },
    add: async (scope, { embedder = builtInEmbedder, ...document }) => {
      const place = await newSource(scope, document, embedder.id)
      const { sections, chunks } = chunkDocument(readMarkdown(document.text))
      const texts = chunks.map(({ section, text }) => `${document.title}\n${section}\n${text}`)
      const { vectors } = await embedder.embed(texts, { kind: 'passage' })
      const embedded = chunks.map((chunk, at) => ({ ...chunk, embedding: vectors[at] }))
      const { title, agentId = null } = document
      await db.scoped(scope, tx =>
        insertChunks(tx, scope, { ...place, title, agentId }, { sections, chunks: embedded }),
      )
      return place
    },
    addNumbered: async (scope, count, { from = 0, agentId } = {}) => {
      const title = `Numbers from ${from}`
      const place = await newSource(scope, { title, ...(agentId && { agentId }) }, 'numbered/1536')
      const about = { section: 'Numbers', tokenCount: 2 }
      const chunks = Array.from({ length: count }, (_, at) => ({
        ...{ ...about, parent: 0, position: at + 1, text: `entry ${from + at}` },
        ...{ contentHash: String(from + at), embedding: clusteredVector(from + at, clusters) },
      }))
      const section = { ...about, position: 0, text: 'all entries', contentHash: 'all' }
      await db.scoped(scope, tx =>
        insertChunks(
          tx,
          scope,
          { ...place, agentId: agentId ?? null, title },
          { sections: [section], chunks },
        ),
      )
      return place
    },
    retriever: (parts = {}) =>
      createRetriever({
        ...{ db, metrics, log: silent, embedder: builtInEmbedder },
        recordCost: async (_scope, call) => void calls.push(call),
        mayKeepWords: async () => true,
        ...parts,
      }),
  }
}
