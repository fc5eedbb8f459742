import type { TenantEntry } from './tenantRoutes.ts'

/** Conversations and their files. */
export const conversationRoutes: Readonly<Record<string, TenantEntry>> = {
  'GET /api/v1/conversations': {
    permission: 'conversations:read',
    status: 200,
    request: async () => ({ path: '/api/v1/conversations' }),
  },
  'GET /api/v1/conversations/{id}': {
    permission: 'conversations:read',
    status: 200,
    request: async make => ({ path: `/api/v1/conversations/${await make.conversation()}` }),
  },
  'PATCH /api/v1/conversations/{id}': {
    permission: 'conversations:write',
    status: 200,
    request: async make => ({
      path: `/api/v1/conversations/${await make.conversation()}`,
      body: { priority: 2, tags: ['a tag'] },
    }),
    audit: ['conversation.updated', 'both'],
  },
  'GET /api/v1/conversations/{id}/messages': {
    permission: 'conversations:read',
    status: 200,
    request: async make => ({ path: `/api/v1/conversations/${await make.conversation()}/messages` }),
  },
  'GET /api/v1/undelivered': {
    permission: 'conversations:read',
    status: 200,
    request: async () => ({ path: '/api/v1/undelivered' }),
  },
  'POST /api/v1/conversations/{id}/tickets': {
    permission: 'conversations:write',
    status: 201,
    request: async make => ({
      path: `/api/v1/conversations/${await make.conversation()}/tickets`,
      body: { name: 'A guest' },
    }),
    audit: ['conversation.guest_invited', 'new'],
  },
  'DELETE /api/v1/conversations/{id}/tickets/{guestId}': {
    permission: 'conversations:write',
    status: 204,
    request: async make => {
      const { conversationId, guestId } = await make.ticket()
      return { path: `/api/v1/conversations/${conversationId}/tickets/${guestId}` }
    },
    audit: ['conversation.guest_removed', 'old'],
  },

  'POST /api/v1/conversations/{id}/files': {
    permission: 'conversations:write',
    status: 201,
    request: async make => ({
      path: `/api/v1/conversations/${await make.conversation()}/files?name=notes.txt`,
      body: 'some notes',
      headers: { 'content-type': 'text/plain' },
    }),
    audit: ['file.uploaded', 'new'],
  },
  'POST /api/v1/files/{id}/link': {
    permission: 'conversations:read',
    status: 200,
    request: async make => ({ path: `/api/v1/files/${await make.file()}/link` }),
    reads: true,
  },
}
