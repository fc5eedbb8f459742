import { z } from 'zod'
import {
  cursorId,
  idParams,
  lineField,
  outsideRoute,
  pageOf,
  pageQuery,
  type Route,
  tenantRoute,
  textField,
  toPage,
} from '../http/index.ts'
import { found } from '../kernel/index.ts'
import { foreignToolName, headersField } from './definitionFields.ts'
import { listServerTools } from './listServerTools.ts'
import { mcpTransports } from './mcpSchema.ts'
import { type AskingParts, createServer, deleteServer, shownServer, updateServer } from './mcpServers.ts'
import { listServers, readServer } from './mcpStore.ts'

const serverView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    transport: z.enum(mcpTransports),
    command: z.string().nullable(),
    args: z.array(z.string()),
    url: z.string().nullable(),
    headerNames: z.array(z.string()),
    environmentNames: z.array(z.string()),
    active: z.boolean(),
    instructions: z.string().nullable(),
    toolInstructions: z.record(z.string(), z.string()),
    createdBy: z.uuid().nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'McpServer' })

const instructions = textField(10_000).min(1, 'must not be empty')
const secretly = 'Sealed, and never given back. Absent: those that are there stay, unless the server moves'

const fields = {
  name: lineField(100),
  transport: z.enum(mcpTransports),
  command: lineField(64)
    .nullable()
    .optional()
    .describe('Of stdio: the name of a program that the operator allows (MCP_COMMANDS)'),
  args: z.array(textField(1_000)).max(50).optional(),
  url: z.string().max(2_000).nullable().optional(),
  headers: headersField.optional().describe(secretly),
  environment: z
    .record(z.string().regex(/^[A-Za-z_]\w{0,99}$/, 'must be the name of a variable'), textField(4_000))
    .optional()
    .describe(secretly),
  active: z.boolean().optional(),
  instructions: instructions.nullable().optional().describe('What the model is told about the server'),
  toolInstructions: z
    .record(foreignToolName, instructions)
    .refine(tools => Object.keys(tools).length <= 100, 'must be for at most 100 tools')
    .optional()
    .describe('What it is told about single tools'),
}
const serverInput = z.strictObject(fields)
const serverPatch = z.strictObject({
  ...fields,
  name: fields.name.optional(),
  transport: fields.transport.optional(),
})

const toolsView = z
  .object({
    tools: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        parameters: z.record(z.string(), z.unknown()),
      }),
    ),
    failure: z.string().nullable().describe('Why it could not be asked'),
  })
  .meta({ id: 'McpServerTools' })

const reading = { tag: 'Tool servers', permission: 'agents:read' } as const
const writing = { tag: 'Tool servers', permission: 'agents:write' } as const

export const mcpRoutes = (parts: AskingParts): Route[] => [
  tenantRoute({
    ...reading,
    method: 'get',
    path: '/api/v1/mcp-servers',
    summary: 'Tool servers (Model Context Protocol), newest first',
    query: pageQuery,
    reply: pageOf(serverView),
    handle: async ({ scope, tx, query }) => {
      const servers = await listServers(tx, scope, { limit: query.limit, after: cursorId(query) })
      return toPage(
        servers.map(server => shownServer(parts.vault, server)),
        query,
      )
    },
  }),
  tenantRoute({
    ...writing,
    method: 'post',
    path: '/api/v1/mcp-servers',
    summary: 'Add a tool server',
    idempotent: true,
    body: serverInput,
    reply: serverView,
    status: 201,
    handle: async ({ scope, tx, body }) =>
      shownServer(parts.vault, await createServer(scope, tx, parts, body)),
  }),
  tenantRoute({
    ...reading,
    method: 'get',
    path: '/api/v1/mcp-servers/{id}',
    summary: 'One tool server',
    params: idParams,
    reply: serverView,
    handle: async ({ scope, tx, params }) =>
      shownServer(parts.vault, found(await readServer(tx, scope, params.id), 'server')),
  }),
  tenantRoute({
    ...writing,
    method: 'patch',
    path: '/api/v1/mcp-servers/{id}',
    summary: 'Change a tool server',
    params: idParams,
    body: serverPatch,
    reply: serverView,
    handle: async ({ scope, tx, params, body }) =>
      shownServer(parts.vault, await updateServer(scope, tx, parts, params.id, body)),
  }),
  tenantRoute({
    ...writing,
    method: 'delete',
    path: '/api/v1/mcp-servers/{id}',
    summary: 'Remove a tool server',
    params: idParams,
    handle: ({ scope, tx, params }) => deleteServer(scope, tx, parts, params.id),
  }),
  outsideRoute({
    ...writing,
    method: 'post',
    path: '/api/v1/mcp-servers/{id}/tools',
    summary: 'Connect to a tool server and ask which tools it has',
    params: idParams,
    reply: toolsView,
    handle: ({ scope, params }) => listServerTools(scope, parts, params.id),
  }),
]
