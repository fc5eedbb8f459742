import type { McpAnswer } from './mcpResult.ts'

export type McpTarget =
  | {
      readonly transport: 'stdio'
      /** One of those that the operator allows, by its name there. */
      readonly command: string
      readonly args: readonly string[]
      readonly environment: Readonly<Record<string, string>>
    }
  | {
      readonly transport: 'sse' | 'streamable-http'
      readonly url: string
      readonly headers: Readonly<Record<string, string>>
    }

/** As the server describes it; nothing of it has been checked. */
export interface McpTool {
  readonly name: string
  readonly description: string
  readonly parameters: Readonly<Record<string, unknown>>
}

export interface McpConnection {
  listTools(signal?: AbortSignal): Promise<readonly McpTool[]>
  /** `key`: of the same call, the same; a server that wants to know whether it was called before finds it in `_meta`. */
  callTool(
    name: string,
    args: Readonly<Record<string, unknown>>,
    options?: { readonly signal?: AbortSignal; readonly key?: string },
  ): Promise<McpAnswer>
  /** Never fails, and takes a few seconds at most. */
  close(): Promise<void>
}

/**
 * Servers that speak the Model Context Protocol. What goes wrong is a `McpError`, unless the signal was aborted.
 *
 * - Requests over HTTP keep to the rules of outgoing requests (S5).
 * - A process is begun only for a command of the operator's, with an environment that holds nothing of ours.
 * - Everything has a limit of time and of size; a server can neither hang nor flood.
 */
export interface Mcp {
  /** Why this one would be refused, as far as can be said without connecting. */
  refusal(target: McpTarget): string | undefined
  connect(target: McpTarget, signal?: AbortSignal): Promise<McpConnection>
}

/** Its message may be shown to the tenant, and to the model. */
export class McpError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'McpError'
  }
}
