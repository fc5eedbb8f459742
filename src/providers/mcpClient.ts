import { tmpdir } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { FetchLike, Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JsonSchemaValidator, jsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js'
import { version } from '../kernel/index.ts'
import { type McpConnection, McpError, type McpTarget, type McpTool } from './mcp.ts'
import type { McpCommands } from './mcpCommands.ts'
import { readAnswer } from './mcpResult.ts'
import type { Outgoing } from './outgoing.ts'
import { OutgoingError } from './outgoingError.ts'

export interface McpLimits {
  readonly connectMs: number
  readonly listMs: number
  readonly callMs: number
  readonly streamMs: number
  readonly closeMs: number
}

export interface ClientParts {
  readonly outgoing: Outgoing
  readonly commands: McpCommands
  readonly limits: McpLimits
}

/** In `_meta` of a call. */
const keyName = 'parley/idempotencyKey'
const maxBytes = 4 * 1024 * 1024
const maxTools = 200
/** What a server demands of its answers is not checked: its rules may be made to keep whoever checks them busy. */
const unchecked: jsonSchemaValidator = {
  getValidator<T>(): JsonSchemaValidator<T> {
    return input => ({ valid: true, data: input as T, errorMessage: undefined })
  },
}

/** A connection to a server that was found to be allowed. One that fails leaves nothing behind. */
export async function connectTo(
  target: McpTarget,
  { outgoing, commands, limits }: ClientParts,
  signal: AbortSignal | undefined,
): Promise<McpConnection> {
  const { noting, failures } = notingFailures(outgoing)
  const transport = transportTo(target, { outgoing: noting, commands, limits })
  const client = new Client({ name: 'parley', version }, { jsonSchemaValidator: unchecked })
  const connection = connectionOver(client, transport, limits)
  try {
    await within(limits.connectMs, signal, inTime =>
      client.connect(transport, { signal: inTime, timeout: limits.connectMs }),
    )
    return connection
  } catch (error) {
    await connection.close()
    const [first] = failures
    throw first && !signal?.aborted ? new McpError(first.message, error) : error
  }
}

/** Not every transport passes on why its request failed. */
function notingFailures(outgoing: Outgoing): { noting: Outgoing; failures: OutgoingError[] } {
  const failures: OutgoingError[] = []
  const fetch: Outgoing['fetch'] = (address, request) =>
    outgoing.fetch(address, request).catch(error => {
      if (error instanceof OutgoingError) failures.push(error)
      throw error
    })
  return { noting: { refusal: outgoing.refusal, fetch }, failures }
}

function connectionOver(client: Client, transport: Transport, limits: McpLimits): McpConnection {
  return {
    async listTools(signal) {
      return within(limits.listMs, signal, async inTime => {
        const tools: McpTool[] = []
        let cursor: string | undefined
        // A server may name a next page for ever; the time and the number of tools end it.
        do {
          const options = { signal: inTime, timeout: limits.listMs }
          const page = await client.listTools(cursor === undefined ? {} : { cursor }, options)
          for (const { name, description = '', inputSchema } of page.tools)
            tools.push({ name, description, parameters: inputSchema })
          cursor = page.nextCursor
        } while (cursor !== undefined && tools.length < maxTools)
        return tools.slice(0, maxTools)
      })
    },
    callTool: (name, args, { signal, key } = {}) =>
      within(limits.callMs, signal, async inTime => {
        const options = { signal: inTime, timeout: limits.callMs, maxTotalTimeout: limits.callMs }
        const call = { name, arguments: { ...args }, ...(key !== undefined && { _meta: { [keyName]: key } }) }
        return readAnswer(await client.callTool(call, undefined, options))
      }),
    async close() {
      const parting = async () => {
        if (transport instanceof StreamableHTTPClientTransport)
          await Promise.race([transport.terminateSession(), pause(limits.closeMs, undefined, { ref: false })])
      }
      // A server that does not want to hear a farewell is left all the same.
      await parting().catch(() => undefined)
      await client.close().catch(() => undefined)
    },
  }
}

/** The clock is ours: that of a request begins anew with each sign of life. */
async function within<Result>(
  ms: number,
  asked: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const late = AbortSignal.timeout(ms)
  const signal = asked ? AbortSignal.any([asked, late]) : late
  const ended = new Promise<never>((_, reject) => {
    const give = () => reject(signal.reason)
    if (signal.aborted) give()
    else signal.addEventListener('abort', give, { once: true })
  })
  try {
    return await Promise.race([work(signal), ended])
  } catch (error) {
    asked?.throwIfAborted()
    if (late.aborted) throw new McpError(`The server did not answer within ${ms / 1_000} seconds.`, error)
    throw new McpError(sayingOf(error), error)
  }
}

function sayingOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof OutgoingError) return at.message
  if (error instanceof Error && 'code' in error && typeof error.code === 'number')
    return error.code >= 100
      ? `The server refused with status ${error.code}.`
      : 'The server reported an error of the protocol.'
  return 'The server cannot be reached, or does not keep to the protocol.'
}

function transportTo(target: McpTarget, { outgoing, commands, limits }: ClientParts): Transport {
  if (target.transport === 'stdio') {
    const [command = '', ...args] = commands[target.command]?.run ?? []
    return new StdioClientTransport({
      command,
      args: [...args, ...target.args],
      // Beside what is given here it inherits PATH and the like, and no setting of ours.
      env: { HOME: tmpdir(), USER: 'nobody', LOGNAME: 'nobody', ...target.environment },
      cwd: tmpdir(),
      // What it says there could be anything, secrets included.
      stderr: 'ignore',
      maxBufferSize: maxBytes,
    })
  }
  const fetch: FetchLike = (url, init = {}) =>
    outgoing.fetch(url, { ...init, limits: { maxBytes, totalMs: limits.streamMs } })
  const options = { fetch, requestInit: { headers: { ...target.headers } } }
  if (target.transport === 'sse') return new SSEClientTransport(new URL(target.url), options)
  const reconnectionOptions = {
    ...{ initialReconnectionDelay: 500, maxReconnectionDelay: 2_000 },
    ...{ reconnectionDelayGrowFactor: 2, maxRetries: 1 },
  }
  return new StreamableHTTPClientTransport(new URL(target.url), { ...options, reconnectionOptions })
}
