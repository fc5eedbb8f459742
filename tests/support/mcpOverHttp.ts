import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { toolServer } from './mcpServer.ts'
import { serving } from './outgoing.ts'

export interface McpOverHttp {
  readonly url: string
  /** The headers of every request. */
  readonly heard: IncomingHttpHeaders[]
  /** How many sessions are open. */
  sessions(): number
}

/** A real tool server at `/mcp` (streamable HTTP) or `/sse`; `/elsewhere` redirects to it. */
export async function mcpOverHttp(transport: 'sse' | 'streamable-http'): Promise<McpOverHttp> {
  const heard: IncomingHttpHeaders[] = []
  const open = new Map<string, StreamableHTTPServerTransport | SSEServerTransport>()
  const handle = transport === 'sse' ? overSse(open) : overStream(open)
  const { url } = await serving((request, response) => {
    heard.push(request.headers)
    handle(request, response).catch(() => response.destroy())
  })
  return { url: `${url}/${transport === 'sse' ? 'sse' : 'mcp'}`, heard, sessions: () => open.size }
}

type Open = Map<string, StreamableHTTPServerTransport | SSEServerTransport>

const overStream = (open: Open) => async (request: IncomingMessage, response: ServerResponse) => {
  const known = open.get(String(request.headers['mcp-session-id']))
  if (known instanceof StreamableHTTPServerTransport) return known.handleRequest(request, response)
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: () => randomUUID(),
    onsessioninitialized: id => void open.set(id, transport),
    onsessionclosed: id => void open.delete(id),
  })
  await toolServer().connect(transport)
  return transport.handleRequest(request, response)
}

const overSse = (open: Open) => async (request: IncomingMessage, response: ServerResponse) => {
  if (request.method === 'GET') {
    const transport = new SSEServerTransport('/messages', response)
    open.set(transport.sessionId, transport)
    response.on('close', () => open.delete(transport.sessionId))
    return toolServer().connect(transport)
  }
  const id = new URL(request.url ?? '', 'http://localhost').searchParams.get('sessionId')
  const known = open.get(id ?? '')
  if (known instanceof SSEServerTransport) return known.handlePostMessage(request, response)
  response.writeHead(404).end()
}
