import { newId } from '../../../src/kernel/index.ts'
import type { TenantEntry } from './tenantRoutes.ts'

const tool = {
  name: 'look_up',
  description: 'Looks something up',
  method: 'GET',
  url: 'https://example.com/things/{id}',
  parameters: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] },
}

export const agentRoutes: Readonly<Record<string, TenantEntry>> = {
  'GET /api/v1/agent-templates': {
    permission: 'agents:read',
    status: 200,
    request: async () => ({ path: '/api/v1/agent-templates' }),
  },
  'GET /api/v1/runs': {
    permission: 'conversations:read',
    status: 200,
    request: async () => ({ path: '/api/v1/runs' }),
  },
  'GET /api/v1/agents': {
    permission: 'agents:read',
    status: 200,
    request: async make => {
      await make.agent()
      return { path: '/api/v1/agents' }
    },
  },
  'POST /api/v1/agents': {
    permission: 'agents:write',
    status: 201,
    request: async () => ({
      path: '/api/v1/agents',
      body: { name: `agent ${newId()}`, toolResources: { httpTools: [tool] } },
    }),
    audit: ['agent.created', 'new'],
  },
  'GET /api/v1/agents/{id}': {
    permission: 'agents:read',
    status: 200,
    request: async make => ({ path: `/api/v1/agents/${await make.agent()}` }),
  },
  'PATCH /api/v1/agents/{id}': {
    permission: 'agents:write',
    status: 200,
    request: async make => ({
      path: `/api/v1/agents/${await make.agent()}`,
      body: { instructions: `Say ${newId()}` },
    }),
    audit: ['agent.updated', 'both'],
  },
  'DELETE /api/v1/agents/{id}': {
    permission: 'agents:write',
    status: 204,
    request: async make => ({ path: `/api/v1/agents/${await make.agent()}` }),
    audit: ['agent.deleted', 'old'],
  },
  'POST /api/v1/agents/{id}/publish': {
    permission: 'agents:write',
    status: 200,
    request: async make => ({ path: `/api/v1/agents/${await make.agent()}/publish`, body: { note: 'new' } }),
    audit: ['agent.published', 'both'],
  },
  'GET /api/v1/agents/{id}/versions': {
    permission: 'agents:read',
    status: 200,
    request: async make => ({ path: `/api/v1/agents/${await make.publishedAgent()}/versions` }),
  },
  'GET /api/v1/agents/{id}/versions/{version}': {
    permission: 'agents:read',
    status: 200,
    request: async make => ({ path: `/api/v1/agents/${await make.publishedAgent()}/versions/1` }),
  },
  'POST /api/v1/agents/{id}/versions/{version}/restore': {
    permission: 'agents:write',
    status: 200,
    request: async make => ({ path: `/api/v1/agents/${await make.publishedAgent()}/versions/1/restore` }),
    audit: ['agent.rolled_back', 'both'],
  },
  'GET /api/v1/agents/{id}/permissions': {
    permission: 'agents:read',
    status: 200,
    request: async make => ({ path: `/api/v1/agents/${await make.agent()}/permissions` }),
  },
  'PUT /api/v1/agents/{id}/permissions/{memberId}': {
    permission: 'agents:write',
    status: 204,
    request: async make => {
      const [agent, { memberId }] = [await make.agent(), await make.member()]
      return { path: `/api/v1/agents/${agent}/permissions/${memberId}`, body: { visibility: 'hidden' } }
    },
    audit: ['agent.visibility_set', 'new'],
  },
  'DELETE /api/v1/agents/{id}/permissions/{memberId}': {
    permission: 'agents:write',
    status: 204,
    request: async make => {
      const [agent, { memberId }] = [await make.agent(), await make.member()]
      await make.hide(agent, memberId)
      return { path: `/api/v1/agents/${agent}/permissions/${memberId}` }
    },
    audit: ['agent.visibility_cleared', 'old'],
  },

  'GET /api/v1/contacts/{contactId}/memories': {
    permission: 'agents:read',
    status: 200,
    request: async make => ({ path: `/api/v1/contacts/${(await make.memory()).contactId}/memories` }),
  },
  'POST /api/v1/contacts/{contactId}/memories': {
    permission: 'agents:write',
    status: 201,
    request: async make => ({
      path: `/api/v1/contacts/${await make.contact()}/memories`,
      body: { key: 'shoe size', value: '42' },
    }),
    audit: ['memory.created', 'new'],
  },
  'DELETE /api/v1/contacts/{contactId}/memories/{id}': {
    permission: 'agents:write',
    status: 204,
    request: async make => {
      const { contactId, id } = await make.memory()
      return { path: `/api/v1/contacts/${contactId}/memories/${id}` }
    },
    audit: ['memory.deleted', 'old'],
  },
  'DELETE /api/v1/contacts/{contactId}/memories': {
    permission: 'agents:write',
    status: 204,
    request: async make => ({ path: `/api/v1/contacts/${(await make.memory()).contactId}/memories` }),
    audit: ['contact.memories_deleted', 'old'],
  },

  'GET /api/v1/mcp-servers': {
    permission: 'agents:read',
    status: 200,
    request: async make => {
      await make.mcpServer()
      return { path: '/api/v1/mcp-servers' }
    },
  },
  'POST /api/v1/mcp-servers': {
    permission: 'agents:write',
    status: 201,
    request: async () => ({
      path: '/api/v1/mcp-servers',
      body: { name: `server ${newId()}`, transport: 'sse', url: 'https://tools.example.com/sse' },
    }),
    audit: ['mcp_server.created', 'new'],
  },
  'GET /api/v1/mcp-servers/{id}': {
    permission: 'agents:read',
    status: 200,
    request: async make => ({ path: `/api/v1/mcp-servers/${await make.mcpServer()}` }),
  },
  'PATCH /api/v1/mcp-servers/{id}': {
    permission: 'agents:write',
    status: 200,
    request: async make => ({
      path: `/api/v1/mcp-servers/${await make.mcpServer()}`,
      body: { instructions: 'Ask it first.' },
    }),
    audit: ['mcp_server.updated', 'both'],
  },
  'DELETE /api/v1/mcp-servers/{id}': {
    permission: 'agents:write',
    status: 204,
    request: async make => ({ path: `/api/v1/mcp-servers/${await make.mcpServer()}` }),
    audit: ['mcp_server.deleted', 'old'],
  },
  // It leads nowhere, which is an answer too; what servers answer is tried elsewhere.
  'POST /api/v1/mcp-servers/{id}/tools': {
    permission: 'agents:write',
    status: 200,
    request: async make => ({ path: `/api/v1/mcp-servers/${await make.mcpServer()}/tools` }),
    reads: true,
  },
}
