import type { Database } from '../../db/index.ts'
import { Briefly, type Log, type Vault } from '../../kernel/index.ts'
import type { Mcp, McpConnection, McpTool } from '../../providers/mcp.ts'
import { activeServers, type Server } from '../mcpStore.ts'
import { targetOf } from '../mcpTarget.ts'
import type { AgentDefinition } from '../schema.ts'
import type { Work } from './guarded.ts'
import { withoutSecretWords } from './secretWords.ts'
import type { ToolContext } from './tool.ts'

/** Why servers could not be asked, for a short while: until then answers do without their tools at once. */
export type Failures = Briefly<string>
export const rememberFailures = (ms = 30_000): Failures => new Briefly(ms)

export interface McpToolParts {
  readonly db: Database
  readonly vault: Vault
  readonly mcp: Mcp
  readonly log: Log
}

/** What one server adds to a run. */
interface Offer {
  readonly works: readonly Work[]
  readonly instructions: string
  close(): Promise<void>
}

interface Link {
  readonly connection: McpConnection
  readonly secrets: readonly string[]
}

const maxToolsOfServer = 64
const maxSchema = 32_768

/**
 * The tools of all servers that an agent may use. A server that cannot be reached costs the run a few seconds, and those that follow soon
 * nothing; the model is told, and the others are there all the same.
 */
export async function mcpTools(
  parts: McpToolParts,
  { scope }: ToolContext,
  { allowedMcpServers }: Pick<AgentDefinition, 'allowedMcpServers'>,
  failures: Failures,
  signal: AbortSignal | undefined,
): Promise<Offer[]> {
  const asking = Object.entries(allowedMcpServers).filter(([, { tools }]) => tools.length > 0)
  const ids = asking.map(([id]) => id)
  if (ids.length === 0) return []
  const servers = await parts.db.scoped(scope, tx => activeServers(tx, scope, ids))
  const asked = servers.map(server =>
    offerOf(server, { ...parts, failures }, allowedMcpServers[server.id]?.tools ?? [], signal),
  )
  const offers = await Promise.all(asked)
  if (!signal?.aborted) return offers
  await Promise.all(offers.map(offer => offer.close()))
  throw signal.reason
}

async function offerOf(
  server: Server,
  { vault, mcp, log, failures }: McpToolParts & { readonly failures: Failures },
  allowed: readonly string[] | 'all',
  signal: AbortSignal | undefined,
): Promise<Offer> {
  const ended: Offer = { works: [], instructions: '', close: async () => undefined }
  const missing = (reason: string): Offer => ({
    ...ended,
    instructions: `The tools of ${server.name} are not available right now: ${reason}`,
  })
  // What was changed since then is tried at once.
  const place = `${server.tenantId} ${server.id} ${server.updatedAt.getTime()}`
  const before = failures.get(place)
  if (before !== undefined) return missing(before)
  let connection: McpConnection | undefined
  try {
    const target = targetOf(vault, server)
    connection = await mcp.connect(target, signal)
    const tools = (await connection.listTools(signal)).filter(
      tool => (allowed === 'all' || allowed.includes(tool.name)) && isUsable(tool),
    )
    const secrets = Object.values(target.transport === 'stdio' ? target.environment : target.headers)
    return offer(server, { connection, secrets }, tools.slice(0, maxToolsOfServer))
  } catch (error) {
    await connection?.close()
    if (signal?.aborted) return ended
    const known = error instanceof Error && error.name === 'McpError'
    if (!known)
      log.error({ err: error, tenantId: server.tenantId, serverId: server.id }, 'a tool server failed')
    const reason = known ? error.message : 'Something went wrong inside.'
    failures.set(place, reason)
    return missing(reason)
  }
}

function offer(server: Server, link: Link, tools: readonly McpTool[]): Offer {
  const works = tools.map((tool): Work => workOf(server, link, tool))
  const own =
    server.instructions === null || works.length === 0 ? '' : `${server.name}: ${server.instructions}`
  return { works, instructions: own, close: () => link.connection.close() }
}

const workOf = (server: Server, { connection, secrets }: Link, tool: McpTool): Work => ({
  name: toolNameOf(server.name, tool.name),
  description: tool.description.slice(0, 2_000) || `${tool.name} of ${server.name}`,
  parameters: tool.parameters,
  told: Object.hasOwn(server.toolInstructions, tool.name) ? server.toolInstructions[tool.name] : undefined,
  // Its schema may hold anything, patterns that never end included; the server knows what it takes.
  checkedElsewhere: true,
  outside: true,
  async run({ callKey }, args, signal) {
    const { text: said, failed } = await connection.callTool(tool.name, args, { signal, key: callKey })
    const text = withoutSecretWords(said, secrets)
    return { text: failed ? `The tool reports a failure: ${text}` : text || 'Done.' }
  },
})

/** What a model can be shown: a schema of an object, of a size. */
const isUsable = ({ parameters }: McpTool): boolean =>
  parameters.type === 'object' && JSON.stringify(parameters).length <= maxSchema

/** Models take few characters in names; the server's name keeps those of different servers apart. */
export function toolNameOf(server: string, tool: string): string {
  const plain = (text: string) => text.replace(/[^a-zA-Z0-9_-]+/g, '_').replace(/^_+|_+$/g, '')
  return `${plain(server).slice(0, 20) || 'server'}__${plain(tool) || 'tool'}`.slice(0, 64)
}
