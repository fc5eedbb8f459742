import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { type AgentInput, createAgent } from '../../src/agents/createAgent.ts'
import { definitionOf } from '../../src/agents/definition.ts'
import {
  type AgentParts,
  createToolbox,
  type Find,
  type OpenTools,
  type Tool,
  type ToolContext,
  type ToolResult,
} from '../../src/agents/index.ts'
import { createServer, type ServerInput } from '../../src/agents/mcpServers.ts'
import type { AgentDefinition } from '../../src/agents/schema.ts'
import { recordAudit } from '../../src/compliance/index.ts'
import type { Database } from '../../src/db/index.ts'
import { createVault, describeError, newId, type Scope, Secret, type Vault } from '../../src/kernel/index.ts'
import { createMcp } from '../../src/providers/createMcp.ts'
import type { Mcp } from '../../src/providers/mcp.ts'
import type { DatabaseKind } from './databases.ts'
import { type OpenDatabase, openDatabase, scopeOf } from './isolation.ts'
import { outgoing } from './outgoing.ts'
import { testSecret } from './testSecret.ts'

const stdioServer = join(import.meta.dirname, 'mcpStdioServer.ts')

/** What an operator might allow: a tool server, one that hangs from the start, and one that is not there. */
export const commands = {
  tools: {
    run: [process.execPath, '--disable-warning=ExperimentalWarning', stdioServer],
    arguments: true,
    environment: ['TOOLS_TOKEN'],
  },
  plain: { run: [process.execPath, stdioServer], arguments: false, environment: [] },
  mute: { run: [process.execPath, '-e', 'setInterval(() => {}, 1000)'], arguments: false, environment: [] },
  missing: { run: ['/no/such/program'], arguments: false, environment: [] },
}

/** Short, so that what hangs is found out soon; a loaded machine still begins a process within it. */
const limits = { connectMs: 8_000, listMs: 8_000, callMs: 4_000 }

export interface AgentWorld extends Pick<OpenDatabase, 'owner' | 'db' | 'drop'> {
  readonly vault: Vault
  readonly mcp: Mcp
  readonly scope: Scope
  readonly contactId: string
  readonly context: ToolContext
  /** Everything that was logged. */
  readonly logged: string[]
  parts(find?: Find): AgentParts & { db: Database; mcp: Mcp }
  newContact(values?: Record<string, unknown>): Promise<string>
  newServer(
    input: Omit<ServerInput, 'name'> & { name?: string; transport: 'stdio' | 'sse' | 'streamable-http' },
  ): Promise<string>
  newAgent(input?: AgentInput): Promise<{ id: string; definition: AgentDefinition }>
  /** The tools of an agent, and a way to call one. */
  open(
    input: AgentInput,
    options?: { find?: Find; context?: Partial<ToolContext>; signal?: AbortSignal },
  ): Promise<OpenTools & { ask: (name: string, args: unknown, signal?: AbortSignal) => Promise<ToolResult> }>
}

const findsNothing: Find = async () => ({ passages: [], judgement: 'none', recorded: Promise.resolve() })

export async function openAgents(kind: DatabaseKind): Promise<AgentWorld> {
  const { owner, db, drop } = await openDatabase(kind)
  db.during(recordAudit)
  const tenantId = newId()
  await owner.query('insert into tenants (id, name, slug) values ($1, $2, $3)', [tenantId, 'T', tenantId])
  const scope = scopeOf(tenantId)
  const vault = createVault(new Secret(testSecret))
  const away = outgoing()
  const mcp = createMcp({ outgoing: away, commands, limits })
  const logged: string[] = []
  const written = new Writable({ write: (chunk, _, done) => done(void logged.push(String(chunk))) })
  const log = pino({ level: 'trace', serializers: { err: describeError } }, written)
  const parts: AgentWorld['parts'] = () => ({ db, vault, mcp, outgoing: away })
  const newContact = async (values: Record<string, unknown> = {}) => {
    const row: Record<string, unknown> = { tenant_id: tenantId, id: newId(), ...values }
    const places = Object.keys(row).map((_, at) => `$${at + 1}`)
    await owner.query(`insert into contacts (${Object.keys(row)}) values (${places})`, Object.values(row))
    return String(row.id)
  }
  const contactId = await newContact()
  const conversationId = newId()
  await owner.query('insert into conversations (tenant_id, id, contact_id) values ($1, $2, $3)', [
    ...[tenantId, conversationId, contactId],
  ])
  const newAgent: AgentWorld['newAgent'] = async (input = {}) => {
    const whole = { name: `Agent ${newId()}`, ...input }
    const row = await db.scoped(scope, tx => createAgent(scope, tx, parts(), whole))
    return { id: row.id, definition: definitionOf(row) }
  }
  const agentId = (await newAgent()).id
  const context = { scope, conversationId, contactId, runId: newId(), agentId }
  return {
    ...{ owner, db, drop, vault, mcp, scope, contactId, context, logged, parts, newContact, newAgent },
    newServer: async input => {
      const whole = { name: `Server ${newId()}`, ...input }
      return (await db.scoped(scope, tx => createServer(scope, tx, parts(), whole))).id
    },
    open: async (input, { find = findsNothing, context: other = {}, signal } = {}) => {
      const { definition } = await newAgent(input)
      const toolbox = createToolbox({ ...parts(), find, log })
      const own = { ...context, ...other }
      const opened = await toolbox.toolsFor(own, definition, signal)
      const named = (name: string): Tool => {
        const tool = opened.tools.find(one => one.name === name)
        if (!tool) throw new Error(`there is no ${name}, but ${opened.tools.map(one => one.name)}`)
        return tool
      }
      return {
        ...opened,
        ask: (name, args, asked = new AbortController().signal) =>
          named(name).call({ ...own, callKey: `key of ${name}` }, args, asked),
      }
    },
  }
}
