import { type Mcp, McpError } from './mcp.ts'
import type { McpLimits } from './mcpClient.ts'
import { type McpCommands, refusedCommand } from './mcpCommands.ts'
import type { Outgoing } from './outgoing.ts'

export interface McpParts {
  readonly outgoing: Outgoing
  readonly commands: McpCommands
  readonly limits?: Partial<McpLimits>
}

const usualLimits: McpLimits = {
  connectMs: 5_000,
  listMs: 5_000,
  callMs: 30_000,
  streamMs: 600_000,
  closeMs: 1_000,
}

/** Of all workspaces together: each answer that uses a program begins one. */
const maxProcesses = 32

export function createMcp({ outgoing, commands, limits: given = {} }: McpParts): Mcp {
  const limits = { ...usualLimits, ...given }
  const places = countPlaces(maxProcesses)
  const refusal: Mcp['refusal'] = target =>
    target.transport === 'stdio' ? refusedCommand(commands, target) : outgoing.refusal(target.url)
  return {
    refusal,
    async connect(target, signal) {
      const refused = refusal(target)
      if (refused !== undefined) throw new McpError(refused)
      // What speaks the protocol is large, so it is loaded only where it is used.
      const { connectTo } = await import('./mcpClient.ts')
      if (target.transport !== 'stdio') return connectTo(target, { outgoing, commands, limits }, signal)
      const leave = places.take()
      try {
        const connection = await connectTo(target, { outgoing, commands, limits }, signal)
        return { ...connection, close: () => connection.close().then(leave) }
      } catch (error) {
        leave()
        throw error
      }
    },
  }
}

function countPlaces(most: number) {
  const taken = new Set<symbol>()
  return {
    take() {
      if (taken.size >= most) throw new McpError('Too many programs run right now.')
      const place = Symbol()
      taken.add(place)
      return () => void taken.delete(place)
    },
  }
}
