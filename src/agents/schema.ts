import { sql } from 'drizzle-orm'
import {
  boolean,
  customType,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { conversations, type ModelParameters } from '../chat/schema.ts'
import { contacts } from '../contacts/schema.ts'
import { createdAt, id, oneOf, tenantId, updatedAt } from '../db/columns.ts'
import { tenants } from '../tenancy/schema.ts'

export const agentTypes = ['support', 'sales', 'general', 'custom'] as const
export const agentStatuses = ['draft', 'active', 'paused', 'archived'] as const
export const visibilities = ['visible', 'hidden'] as const
/** What every agent can do without anything being declared; each is switched on by its name. */
export const builtInTools = ['knowledge_search', 'hand_over', 'collect_contact', 'remember'] as const
export const httpMethods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
export const modelProviders = ['default', 'builtin', 'openai'] as const
export const memorySources = ['conversation', 'manual', 'import'] as const

const ofTenant = () => tenantId().references(() => tenants.id, { onDelete: 'cascade' })
const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' })

/** A call over HTTP that a tenant declares as a tool; `parameters` is a JSON schema. Its secret headers lie sealed beside it. */
export interface HttpTool {
  readonly name: string
  readonly description: string
  readonly method: (typeof httpMethods)[number]
  /** `{name}` stands for an argument, in its path or query. */
  readonly url: string
  readonly parameters: Record<string, unknown>
  readonly headerNames?: readonly string[]
  readonly sealedHeaders?: string
}

/** Which tools of an MCP server an agent may use: those named, or all. */
export type AllowedMcpServers = Record<string, { readonly tools: readonly string[] | 'all' }>

/** When a conversation is handed to people without the model asking for it. */
export interface EscalationRules {
  /** Words of the visitor that ask for a person, beside those known for every language. */
  readonly phrases?: readonly string[]
  readonly maxTurns?: number
  /** After so many answers in a row that did not know. */
  readonly unsureTurns?: number
  readonly priority?: number
}

export interface AgentLimits {
  readonly toolRounds?: number
  readonly seconds?: number
  readonly outputTokens?: number
}

/** What of an agent is versioned: everything that decides how it answers. */
export interface AgentDefinition {
  readonly name: string
  readonly instructions: string
  readonly welcomeMessage: string | null
  readonly provider: string
  readonly model: string | null
  readonly parameters: ModelParameters
  readonly tools: readonly string[]
  readonly toolResources: { readonly httpTools?: readonly HttpTool[] }
  readonly allowedMcpServers: AllowedMcpServers
  readonly escalationRules: EscalationRules
  readonly limits: AgentLimits
}

/** The key to members is written by hand in the migrations. */
export const agents = pgTable(
  'agents',
  {
    tenantId: ofTenant(),
    id: id(),
    name: text('name').notNull(),
    description: text('description'),
    avatarUrl: text('avatar_url'),
    icon: text('icon'),
    type: text('type', { enum: agentTypes }).notNull().default('support'),
    status: text('status', { enum: agentStatuses }).notNull().default('draft'),
    instructions: text('instructions').notNull().default(''),
    welcomeMessage: text('welcome_message'),
    /** `builtin`, or `openai` for any compatible server. */
    provider: text('provider').notNull().default('default'),
    model: text('model'),
    parameters: jsonb('parameters').$type<ModelParameters>().notNull().default({}),
    /** Built-in tools that are switched on. */
    tools: text('tools').array().notNull().default(sql`'{knowledge_search,hand_over,collect_contact}'`),
    toolResources: jsonb('tool_resources').$type<AgentDefinition['toolResources']>().notNull().default({}),
    allowedMcpServers: jsonb('allowed_mcp_servers').$type<AllowedMcpServers>().notNull().default({}),
    escalationRules: jsonb('escalation_rules').$type<EscalationRules>().notNull().default({}),
    limits: jsonb('limits').$type<AgentLimits>().notNull().default({}),
    tier: text('tier').notNull().default('free'),
    published: boolean('published').notNull().default(false),
    /** Of the definition that answers; the draft in this row is what comes next. 0: nothing has been published. */
    version: integer('version').notNull().default(0),
    githubRepository: text('github_repository'),
    createdBy: uuid('created_by'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('agents_name').on(t.tenantId, t.name),
    oneOf('agents_type', t.type, agentTypes),
    oneOf('agents_status', t.status, agentStatuses),
  ],
)

/** A definition as it was published; never changed. */
export const agentVersions = pgTable(
  'agent_versions',
  {
    tenantId: ofTenant(),
    id: id(),
    agentId: uuid('agent_id').notNull(),
    version: integer('version').notNull(),
    definition: jsonb('definition').$type<AgentDefinition>().notNull(),
    note: text('note').notNull().default(''),
    publishedBy: uuid('published_by'),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('agent_versions_number').on(t.tenantId, t.agentId, t.version),
    foreignKey({
      name: 'agent_versions_agent',
      columns: [t.tenantId, t.agentId],
      foreignColumns: [agents.tenantId, agents.id],
    }).onDelete('cascade'),
  ],
)

/** Starting points for new agents, the same for every tenant. */
export const agentTemplates = pgTable('agent_templates', {
  id: id().primaryKey(),
  name: text('name').notNull().unique('agent_templates_name'),
  description: text('description').notNull(),
  category: text('category').notNull(),
  icon: text('icon'),
  basePrompt: text('base_prompt').notNull(),
  welcomeMessage: text('welcome_message'),
  suggestedTools: text('suggested_tools').array().notNull().default([]),
  active: boolean('active').notNull().default(true),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
})

/** Whether a member sees an agent; without a row they do. The key to members is written by hand in the migrations. */
export const agentPermissions = pgTable(
  'agent_permissions',
  {
    tenantId: ofTenant(),
    id: id(),
    agentId: uuid('agent_id').notNull(),
    memberId: uuid('member_id').notNull(),
    visibility: text('visibility', { enum: visibilities }).notNull(),
    createdAt: createdAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('agent_permissions_once').on(t.tenantId, t.agentId, t.memberId),
    foreignKey({
      name: 'agent_permissions_agent',
      columns: [t.tenantId, t.agentId],
      foreignColumns: [agents.tenantId, agents.id],
    }).onDelete('cascade'),
    oneOf('agent_permissions_visibility', t.visibility, visibilities),
  ],
)

/** What is worth knowing of a contact beyond one conversation. `search` is filled by the statement that writes. */
export const memories = pgTable(
  'memories',
  {
    tenantId: ofTenant(),
    id: id(),
    contactId: uuid('contact_id').notNull(),
    agentId: uuid('agent_id'),
    key: text('key').notNull(),
    value: text('value').notNull(),
    category: text('category'),
    source: text('source', { enum: memorySources }).notNull().default('conversation'),
    /** The conversation it was learnt in. */
    sourceId: uuid('source_id'),
    search: tsvector('search'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.id] }),
    unique('memories_key').on(t.tenantId, t.contactId, t.key),
    index('memories_search').using('gin', t.search),
    foreignKey({
      name: 'memories_contact',
      columns: [t.tenantId, t.contactId],
      foreignColumns: [contacts.tenantId, contacts.id],
    }).onDelete('cascade'),
    oneOf('memories_source', t.source, memorySources),
  ],
)

/** A conversation up to a position in few words, so that a long one still fits the model's window. */
export const conversationMemory = pgTable(
  'conversation_memory',
  {
    tenantId: ofTenant(),
    conversationId: uuid('conversation_id').notNull(),
    summary: text('summary').notNull(),
    /** The last entry that the summary tells. */
    seq: integer('seq').notNull(),
    tokenCount: integer('token_count').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  t => [
    primaryKey({ columns: [t.tenantId, t.conversationId] }),
    foreignKey({
      name: 'conversation_memory_conversation',
      columns: [t.tenantId, t.conversationId],
      foreignColumns: [conversations.tenantId, conversations.id],
    }).onDelete('cascade'),
  ],
)
