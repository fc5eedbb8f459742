import { newId } from '../../src/kernel/index.ts'
import { searchVector } from '../../src/knowledge/lexemes.ts'
import { builtInEmbedder } from '../../src/providers/builtInEmbedder.ts'
import type { Queryable } from './isolation.ts'

/** A document of one chunk, written straight into the tables; its chunk's id. */
export async function insertPassage(
  owner: Queryable,
  tenantId: string,
  { title, text, page = 3 }: { readonly title: string; readonly text: string; readonly page?: number },
): Promise<string> {
  const [sourceId, documentId, chunkId] = [newId(), newId(), newId()]
  const { vectors } = await builtInEmbedder.embed([`${title}\n${text}`], { kind: 'passage' })
  await owner.query(
    `insert into knowledge_sources (tenant_id, id, name, type, status, embedder) values ($1, $2, $3, 'text', 'ready', $4)`,
    [tenantId, sourceId, title, builtInEmbedder.id],
  )
  await owner.query(
    `insert into knowledge_documents (tenant_id, id, source_id, uri, title, mime_type, content_hash)
     values ($1, $2, $3, $4, $4, 'text/plain', '')`,
    [tenantId, documentId, sourceId, title],
  )
  await owner.query(
    `insert into knowledge_chunks (tenant_id, id, source_id, document_id, position, page, text, token_count, content_hash,
       search, embedding) values ($1, $2, $3, $4, 0, $5, $6, 3, '', $7, $8)`,
    [
      ...[tenantId, chunkId, sourceId, documentId, page, text],
      ...[searchVector({ title, section: '', text }), `[${vectors[0]?.join(',')}]`],
    ],
  )
  return chunkId
}
