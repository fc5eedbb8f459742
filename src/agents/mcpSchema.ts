import { boolean, foreignKey, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core'
import { createdAt, id, oneOf, tenantId, updatedAt } from '../db/columns.ts'
import { tenants } from '../tenancy/schema.ts'

export const mcpTransports = ['stdio', 'sse', 'streamable-http'] as const

const ofTenant = () => tenantId().references(() => tenants.id, { onDelete: 'cascade' })

/** How a tool server is reached. Headers and environment may hold secrets, so they lie sealed. The key to members is written by hand. */
export const mcpServers = pgTable(
  'mcp_servers',
  {
    tenantId: ofTenant(),
    id: id(),
    name: text('name').notNull(),
    transport: text('transport', { enum: mcpTransports }).notNull(),
    /** For stdio: the name of a command that the operator of the installation allows, and its arguments. */
    command: text('command'),
    args: text('args').array().notNull().default([]),
    url: text('url'),
    sealedSecrets: text('sealed_secrets'),
    active: boolean('active').notNull().default(true),
    createdBy: uuid('created_by'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('mcp_servers_name').on(t.tenantId, t.name),
    oneOf('mcp_servers_transport', t.transport, mcpTransports),
  ],
)

/** What the model is told about a server as a whole. */
export const mcpServerInstructions = pgTable(
  'mcp_server_instructions',
  {
    tenantId: ofTenant(),
    id: id(),
    mcpServerId: uuid('mcp_server_id').notNull(),
    instructions: text('instructions').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('mcp_server_instructions_once').on(t.tenantId, t.mcpServerId),
    foreignKey({
      name: 'mcp_server_instructions_server',
      columns: [t.tenantId, t.mcpServerId],
      foreignColumns: [mcpServers.tenantId, mcpServers.id],
    }).onDelete('cascade'),
  ],
)

/** And about one of its tools. */
export const mcpToolInstructions = pgTable(
  'mcp_tool_instructions',
  {
    tenantId: ofTenant(),
    id: id(),
    mcpServerId: uuid('mcp_server_id').notNull(),
    toolName: text('tool_name').notNull(),
    instructions: text('instructions').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('mcp_tool_instructions_once').on(t.tenantId, t.mcpServerId, t.toolName),
    foreignKey({
      name: 'mcp_tool_instructions_server',
      columns: [t.tenantId, t.mcpServerId],
      foreignColumns: [mcpServers.tenantId, mcpServers.id],
    }).onDelete('cascade'),
  ],
)
