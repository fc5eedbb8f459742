import { found, type Scope } from '../kernel/index.ts'
import type { McpTool } from '../providers/mcp.ts'
import type { AskingParts } from './mcpServers.ts'
import { readServer } from './mcpStore.ts'
import { targetOf } from './mcpTarget.ts'

/** What a server says it can do. That it cannot be asked is an answer too, and the one somebody who sets it up needs. */
export async function listServerTools(
  scope: Scope,
  { db, vault, mcp }: AskingParts,
  id: string,
): Promise<{ readonly tools: readonly McpTool[]; readonly failure: string | null }> {
  const server = await db.scoped(scope, async tx => found(await readServer(tx, scope, id), 'server'))
  try {
    const connection = await mcp.connect(targetOf(vault, server))
    try {
      return { tools: await connection.listTools(), failure: null }
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (error instanceof Error && error.name === 'McpError') return { tools: [], failure: error.message }
    throw error
  }
}
