import type { TenantEntry } from './tenantRoutes.ts'

const sources = '/api/v1/knowledge/sources'

export const sourceRoutes: Readonly<Record<string, TenantEntry>> = {
  'POST /api/v1/knowledge/sources': {
    permission: 'knowledge:write',
    status: 201,
    request: async () => ({ path: sources, body: { type: 'text', name: 'A text', text: 'Some words.' } }),
    audit: ['knowledge_source.created', 'new'],
  },
  'POST /api/v1/knowledge/sources/files': {
    permission: 'knowledge:write',
    status: 201,
    request: async () => ({
      path: `${sources}/files?name=notes.txt`,
      body: 'some notes',
      headers: { 'content-type': 'text/plain' },
    }),
    audit: ['knowledge_source.created', 'new'],
  },
  'GET /api/v1/knowledge/sources': {
    permission: 'knowledge:read',
    status: 200,
    request: async make => {
      await make.source()
      return { path: sources }
    },
  },
  'GET /api/v1/knowledge/sources/{id}': {
    permission: 'knowledge:read',
    status: 200,
    request: async make => ({ path: `${sources}/${await make.source()}` }),
  },
  'GET /api/v1/knowledge/sources/{id}/documents': {
    permission: 'knowledge:read',
    status: 200,
    request: async make => ({ path: `${sources}/${await make.source()}/documents` }),
  },
  'PATCH /api/v1/knowledge/sources/{id}': {
    permission: 'knowledge:write',
    status: 200,
    request: async make => ({ path: `${sources}/${await make.source()}`, body: { tags: ['a tag'] } }),
    audit: ['knowledge_source.updated', 'both'],
  },
  'POST /api/v1/knowledge/sources/{id}/sync': {
    permission: 'knowledge:write',
    status: 200,
    request: async make => ({ path: `${sources}/${await make.source()}/sync` }),
    audit: ['knowledge_source.synchronised', 'both'],
  },
  'DELETE /api/v1/knowledge/sources/{id}': {
    permission: 'knowledge:write',
    status: 204,
    request: async make => ({ path: `${sources}/${await make.source()}` }),
    audit: ['knowledge_source.deleted', 'old'],
  },
}
