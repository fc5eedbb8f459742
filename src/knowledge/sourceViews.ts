import { z } from 'zod'
import { type SourceState, sourceStateSchema } from '../protocol/index.ts'
import type { DocumentRow } from './documentStore.ts'
import { documentStatuses } from './schema.ts'
import type { SourceRow } from './sourceStore.ts'

const moment = z.iso.datetime()

export const sourceView = sourceStateSchema
  .extend({
    agentId: z.uuid().nullable().describe('The only agent it serves; null: all'),
    fileName: z.string().nullable(),
    fileType: z.string().nullable().describe('What the content of the file is'),
    fileSize: z.int().nullable(),
    url: z.string().nullable(),
    settings: z.record(z.string(), z.unknown()).describe('What is read of a site or of a repository'),
    hasToken: z.boolean(),
    tags: z.array(z.string()),
    embedder: z.string().nullable().describe('What made its vectors'),
    createdBy: z.uuid().nullable(),
    createdAt: moment,
  })
  .meta({ id: 'KnowledgeSource' })

export const documentView = z
  .object({
    id: z.uuid(),
    uri: z.string().describe('Its address, or its path in the repository'),
    title: z.string(),
    mimeType: z.string(),
    status: z.enum(documentStatuses),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    pageCount: z.int().nullable(),
    tokenCount: z.int(),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'KnowledgeDocument' })

const errorOf = ({ errorCode, errorMessage }: { errorCode: string | null; errorMessage: string | null }) =>
  errorCode === null ? null : { code: errorCode, message: errorMessage ?? '' }

/** As members see it live. */
export const stateOf = (row: SourceRow): SourceState => ({
  ...{ id: row.id, name: row.name, type: row.type, status: row.status, progress: row.progress },
  error: errorOf(row),
  counts: { documents: row.documentCount, chunks: row.chunkCount, tokens: row.tokenCount },
  syncedAt: row.syncedAt?.toISOString() ?? null,
  updatedAt: row.updatedAt.toISOString(),
})

export function viewOfSource({ sealedCredential, ...row }: SourceRow): z.output<typeof sourceView> {
  return sourceView.parse({
    ...row,
    ...stateOf({ ...row, sealedCredential }),
    createdAt: row.createdAt.toISOString(),
    hasToken: sealedCredential !== null,
  })
}

export const viewOfDocument = (row: DocumentRow) => ({ ...row, error: errorOf(row) })
