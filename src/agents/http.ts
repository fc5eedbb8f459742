import { z } from 'zod'
import {
  countField,
  cursorId,
  idField,
  idParams,
  pageOf,
  pageQuery,
  type Route,
  tenantRoute,
  textField,
  toPage,
} from '../http/index.ts'
import { found } from '../kernel/index.ts'
import { type AgentParts, createAgent } from './createAgent.ts'
import { agentFields, agentView, versionLine, versionView } from './definitionFields.ts'
import { deleteAgent } from './deleteAgent.ts'
import { mcpRoutes } from './mcpRoutes.ts'
import type { AskingParts } from './mcpServers.ts'
import { memoryRoutes } from './memoryRoutes.ts'
import { publishAgent, rollBack } from './publishAgent.ts'
import { agentStatuses, visibilities } from './schema.ts'
import { listAgents, listTemplates, listVersions, readAgent, readVersion } from './store.ts'
import { updateAgent } from './updateAgent.ts'
import { clearVisibility, setVisibility } from './visibility.ts'
import { listVisibilities } from './visibilityStore.ts'

const agentInput = z.strictObject({
  ...agentFields,
  name: agentFields.name.optional().describe('Required without a template'),
  templateId: idField.optional().describe('What is not given is taken from this template'),
})
const agentPatch = z.strictObject({
  ...agentFields,
  name: agentFields.name.optional(),
  status: z.enum(['active', 'paused', 'archived']).optional(),
})
const noteInput = z.strictObject({ note: textField(1_000).optional() })
const agentFilters = pageQuery.extend({ status: z.enum(agentStatuses).optional() })

const versionParams = idParams.extend({ version: countField(1, 2_147_483_647) })
const permissionParams = idParams.extend({ memberId: idField })

const templateView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    description: z.string(),
    category: z.string(),
    icon: z.string().nullable(),
    basePrompt: z.string(),
    welcomeMessage: z.string().nullable(),
    suggestedTools: z.array(z.string()),
  })
  .meta({ id: 'AgentTemplate' })

const permissionView = z
  .object({
    id: z.uuid(),
    agentId: z.uuid(),
    memberId: z.uuid(),
    visibility: z.enum(visibilities),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'AgentPermission' })

const agentsTag = { tag: 'Agents' } as const
const reading = { ...agentsTag, permission: 'agents:read' } as const
const writing = { ...agentsTag, permission: 'agents:write' } as const

export const agentRoutes = (parts: AgentParts & AskingParts): Route[] => [
  ...draftRoutes(parts),
  ...versionRoutes(),
  ...visibilityRoutes(),
  ...memoryRoutes(),
  ...mcpRoutes(parts),
  tenantRoute({
    ...reading,
    method: 'get',
    path: '/api/v1/agent-templates',
    summary: 'Starting points for agents',
    query: pageQuery,
    reply: pageOf(templateView),
    handle: async ({ tx, query }) =>
      toPage(await listTemplates(tx, { limit: query.limit, after: cursorId(query) }), query),
  }),
]

const draftRoutes = (parts: AgentParts): Route[] => [
  tenantRoute({
    ...reading,
    method: 'get',
    path: '/api/v1/agents',
    summary: 'Agents, newest first',
    query: agentFilters,
    reply: pageOf(agentView),
    handle: async ({ scope, tx, query }) => {
      const { limit, status } = query
      return toPage(await listAgents(tx, scope, { limit, status, after: cursorId(query) }), query)
    },
  }),
  tenantRoute({
    ...writing,
    method: 'post',
    path: '/api/v1/agents',
    summary: 'Create an agent; it answers once it is published',
    idempotent: true,
    body: agentInput,
    reply: agentView,
    status: 201,
    handle: ({ scope, tx, body }) => createAgent(scope, tx, parts, body),
  }),
  tenantRoute({
    ...reading,
    method: 'get',
    path: '/api/v1/agents/{id}',
    summary: 'One agent, with its draft',
    params: idParams,
    reply: agentView,
    handle: async ({ scope, tx, params }) => found(await readAgent(tx, scope, params.id), 'agent'),
  }),
  tenantRoute({
    ...writing,
    method: 'patch',
    path: '/api/v1/agents/{id}',
    summary: 'Change the draft of an agent, or whether it answers',
    params: idParams,
    body: agentPatch,
    reply: agentView,
    handle: ({ scope, tx, params, body }) => updateAgent(scope, tx, parts, params.id, body),
  }),
  tenantRoute({
    ...writing,
    method: 'delete',
    path: '/api/v1/agents/{id}',
    summary: 'Delete an agent with its versions, runs and own documents; conversations stay',
    params: idParams,
    handle: ({ scope, tx, params }) => deleteAgent(scope, tx, params.id),
  }),
]

const versionRoutes = (): Route[] => [
  tenantRoute({
    ...writing,
    method: 'post',
    path: '/api/v1/agents/{id}/publish',
    summary: 'Answer with the draft from now on',
    idempotent: true,
    params: idParams,
    body: noteInput,
    reply: agentView,
    handle: ({ scope, tx, params, body }) => publishAgent(scope, tx, params.id, body.note),
  }),
  tenantRoute({
    ...reading,
    method: 'get',
    path: '/api/v1/agents/{id}/versions',
    summary: 'What was published, newest first',
    params: idParams,
    query: pageQuery,
    reply: pageOf(versionLine),
    handle: async ({ scope, tx, params, query }) => {
      const { id } = found(await readAgent(tx, scope, params.id), 'agent')
      return toPage(await listVersions(tx, scope, id, { limit: query.limit, after: cursorId(query) }), query)
    },
  }),
  tenantRoute({
    ...reading,
    method: 'get',
    path: '/api/v1/agents/{id}/versions/{version}',
    summary: 'One version, with its definition',
    params: versionParams,
    reply: versionView,
    handle: async ({ scope, tx, params }) => {
      const { id } = found(await readAgent(tx, scope, params.id), 'agent')
      return found(await readVersion(tx, scope, id, params.version), 'version')
    },
  }),
  tenantRoute({
    ...writing,
    method: 'post',
    path: '/api/v1/agents/{id}/versions/{version}/restore',
    summary: 'Publish an older version again, as a new one; it replaces the draft as well',
    idempotent: true,
    params: versionParams,
    body: noteInput,
    reply: agentView,
    handle: ({ scope, tx, params, body }) =>
      rollBack(scope, tx, params.id, { version: params.version, note: body.note }),
  }),
]

const visibilityRoutes = (): Route[] => [
  tenantRoute({
    ...reading,
    method: 'get',
    path: '/api/v1/agents/{id}/permissions',
    summary: 'For which members it was decided whether they see an agent; all others do',
    params: idParams,
    query: pageQuery,
    reply: pageOf(permissionView),
    handle: async ({ scope, tx, params, query }) => {
      const { id } = found(await readAgent(tx, scope, params.id), 'agent')
      const page = { limit: query.limit, after: cursorId(query) }
      return toPage(await listVisibilities(tx, scope, id, page), query)
    },
  }),
  tenantRoute({
    ...writing,
    method: 'put',
    path: '/api/v1/agents/{id}/permissions/{memberId}',
    summary: 'Show an agent to a member, or hide it',
    params: permissionParams,
    body: z.strictObject({ visibility: z.enum(visibilities) }),
    handle: ({ scope, tx, params, body }) =>
      setVisibility(scope, tx, { agentId: params.id, memberId: params.memberId }, body.visibility),
  }),
  tenantRoute({
    ...writing,
    method: 'delete',
    path: '/api/v1/agents/{id}/permissions/{memberId}',
    summary: 'Forget what was decided for a member, who sees the agent then',
    params: permissionParams,
    handle: ({ scope, tx, params }) =>
      clearVisibility(scope, tx, { agentId: params.id, memberId: params.memberId }),
  }),
]
