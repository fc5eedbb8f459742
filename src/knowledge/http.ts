import { z } from 'zod'
import {
  cursorId,
  given,
  idField,
  idParams,
  lineField,
  pageOf,
  pageQuery,
  Replayed,
  type Route,
  tagsField,
  tenantRoute,
  textField,
  toPage,
  uploadRoute,
} from '../http/index.ts'
import { createSource, type NewSource } from './createSource.ts'
import { deleteSource } from './deleteSource.ts'
import { listDocuments } from './documentStore.ts'
import type { SourceParts } from './parts.ts'
import { documentStatuses, sourceStatuses, sourceTypes } from './schema.ts'
import { repositorySettings, siteSettings } from './sourceSettings.ts'
import { listSources } from './sourceStore.ts'
import { documentView, sourceView, viewOfDocument, viewOfSource } from './sourceViews.ts'
import { type SourcePatch, syncSource, updateSource } from './updateSource.ts'
import { uploadSource } from './uploadSource.ts'
import { requireAgent, requireShown } from './visibility.ts'

const addressField = z
  .string()
  .trim()
  .max(2_000, 'must have at most 2000 characters')
  .regex(/^https?:\/\/[^\s/?#@]+([/?#][^\s]*)?$/i, 'must be an http:// or https:// address without a login')
  .refine(text => URL.canParse(text), 'must be an http:// or https:// address without a login')
const pastedField = textField(200_000).min(1, 'must not be empty')
/** Travels in a header. */
const tokenField = z
  .string()
  .regex(/^[\x21-\x7e]{1,500}$/, 'must be 1 to 500 printable characters')
  .describe('Gives access to a private repository; never shown again')

const about = { name: lineField(200), agentId: idField.nullish(), tags: tagsField.optional() }

const newSource = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('text'), ...about, text: pastedField }),
    z.strictObject({
      ...{ type: z.literal('url'), ...about, name: about.name.optional(), url: addressField },
      settings: siteSettings.prefault({}),
    }),
    z.strictObject({
      ...{ type: z.literal('github'), ...about, name: about.name.optional() },
      ...{ settings: repositorySettings, token: tokenField.optional() },
    }),
  ])
  .meta({ id: 'NewKnowledgeSource' })

const sourcePatch = z.strictObject({
  name: lineField(200).optional(),
  tags: tagsField.optional(),
  settings: z
    .record(z.string().max(50), z.unknown())
    .optional()
    .describe('Of sites and repositories: these settings take the place of what they were'),
  url: addressField.optional(),
  text: pastedField.optional(),
  token: tokenField.nullable().optional(),
})

const fileQuery = z.strictObject({
  name: lineField(200).describe('What the file is called'),
  agentId: idField.optional(),
  tags: z
    .string()
    .max(2_600)
    .transform(text =>
      text
        .split(',')
        .map(tag => tag.trim())
        .filter(Boolean),
    )
    .pipe(tagsField)
    .default([])
    .describe('Separated by commas'),
})

/** What bears no name is called after what is read. */
function named(source: z.output<typeof newSource>): NewSource {
  if (source.type === 'text') return given(source)
  const name = source.name ?? (source.type === 'url' ? source.url.slice(0, 200) : source.settings.repository)
  return given({ ...source, name })
}

const tag = 'Knowledge'

export const sourceRoutes = (parts: SourceParts): Route[] => [
  ...creationRoutes(parts),
  ...readingRoutes(parts),
  ...changingRoutes(parts),
]

const creationRoutes = (parts: SourceParts): Route[] => [
  tenantRoute({
    method: 'post',
    path: '/api/v1/knowledge/sources',
    tag,
    summary: 'Add a text, a page, a site or a repository; it is read afterwards',
    permission: 'knowledge:write',
    idempotent: true,
    body: newSource,
    reply: sourceView,
    status: 201,
    handle: async ({ scope, tx, body }) => {
      await requireAgent(tx, scope, parts.visibility, body.agentId)
      return viewOfSource(await createSource(scope, tx, parts.vault, named(body)))
    },
  }),
  uploadRoute({
    method: 'post',
    path: '/api/v1/knowledge/sources/files',
    tag,
    summary: 'Upload a document: PDF, Word (.docx), HTML, Markdown or text; it is read afterwards',
    permission: 'knowledge:write',
    idempotent: true,
    query: fileQuery,
    accepts: ['application/octet-stream'],
    reply: sourceView,
    status: 201,
    handle: async ({ scope, query, upload, repeat: { key } }) => {
      const { name, agentId = null, tags } = query
      const incoming = { ...upload, name, agentId, tags }
      const { source, replayed } = await uploadSource(scope, parts, incoming, key)
      return replayed ? new Replayed(source) : source
    },
  }),
]

const readingRoutes = ({ visibility }: SourceParts): Route[] => [
  tenantRoute({
    method: 'get',
    path: '/api/v1/knowledge/sources',
    tag,
    summary: 'Sources, newest first',
    permission: 'knowledge:read',
    query: pageQuery.extend({
      agentId: idField.optional(),
      status: z.enum(sourceStatuses).optional(),
      type: z.enum(sourceTypes).optional(),
    }),
    reply: pageOf(sourceView),
    handle: async ({ scope, tx, query }) => {
      const { cursor: _, ...filter } = query
      const hidden = await visibility.hiddenAgents(tx, scope)
      const page = toPage(await listSources(tx, scope, { ...filter, hidden, after: cursorId(query) }), query)
      return { ...page, items: page.items.map(viewOfSource) }
    },
  }),
  tenantRoute({
    method: 'get',
    path: '/api/v1/knowledge/sources/{id}',
    tag,
    summary: 'One source',
    permission: 'knowledge:read',
    params: idParams,
    reply: sourceView,
    handle: async ({ scope, tx, params }) =>
      viewOfSource(await requireShown(tx, scope, visibility, params.id)),
  }),
  tenantRoute({
    method: 'get',
    path: '/api/v1/knowledge/sources/{id}/documents',
    tag,
    summary: 'The documents of a source, in the order in which they were first met',
    permission: 'knowledge:read',
    params: idParams,
    query: pageQuery.extend({ status: z.enum(documentStatuses).optional() }),
    reply: pageOf(documentView),
    handle: async ({ scope, tx, params, query }) => {
      await requireShown(tx, scope, visibility, params.id)
      const filter = { limit: query.limit, after: cursorId(query), status: query.status }
      const page = toPage(await listDocuments(tx, scope, params.id, filter), query)
      return { ...page, items: page.items.map(viewOfDocument) }
    },
  }),
]

const changingRoutes = ({ vault, visibility }: SourceParts): Route[] => [
  tenantRoute({
    method: 'patch',
    path: '/api/v1/knowledge/sources/{id}',
    tag,
    summary: 'Change a source; what concerns its content is read at once',
    permission: 'knowledge:write',
    params: idParams,
    body: sourcePatch,
    reply: sourceView,
    handle: async ({ scope, tx, params, body }) => {
      await requireShown(tx, scope, visibility, params.id)
      return viewOfSource(await updateSource(scope, tx, vault, params.id, given(body) satisfies SourcePatch))
    },
  }),
  tenantRoute({
    method: 'post',
    path: '/api/v1/knowledge/sources/{id}/sync',
    tag,
    summary: 'Read a source again; only what has changed is embedded',
    permission: 'knowledge:write',
    params: idParams,
    reply: sourceView,
    handle: async ({ scope, tx, params }) => {
      await requireShown(tx, scope, visibility, params.id)
      return viewOfSource(await syncSource(scope, tx, params.id))
    },
  }),
  tenantRoute({
    method: 'delete',
    path: '/api/v1/knowledge/sources/{id}',
    tag,
    summary: 'Delete a source with its documents',
    permission: 'knowledge:write',
    params: idParams,
    handle: async ({ scope, tx, params }) => {
      await requireShown(tx, scope, visibility, params.id)
      await deleteSource(scope, tx, params.id)
    },
  }),
]
