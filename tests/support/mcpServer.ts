import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

/** A tool server as others write them, with the library's own server. What it is asked it notes. */
export function toolServer(asked: unknown[] = []): McpServer {
  const server = new McpServer({ name: 'test', version: '1.0.0' })
  const sum = { description: 'Adds two numbers', inputSchema: { a: z.number(), b: z.number() } }
  server.registerTool('add', sum, async ({ a, b }) => {
    asked.push({ a, b })
    return { content: [{ type: 'text', text: `${a + b}` }] }
  })
  server.registerTool('look up/über', { description: 'Has a name of its own' }, async () => ({
    content: [
      { type: 'text', text: 'found' },
      { type: 'image', data: 'AAAA', mimeType: 'image/png' },
    ],
  }))
  server.registerTool('fail', { description: 'Always fails' }, async () => ({
    content: [{ type: 'text', text: 'out of order' }],
    isError: true,
  }))
  server.registerTool('hang', { description: 'Never answers' }, () => new Promise<never>(() => undefined))
  server.registerTool('flood', { description: 'Says too much' }, async () => ({
    content: [{ type: 'text', text: 'x'.repeat(6 * 1024 * 1024) }],
  }))
  server.registerTool('environment', { description: 'What it was given' }, async () => ({
    content: [
      {
        type: 'text',
        text: JSON.stringify({ environment: process.env, pid: process.pid, args: process.argv.slice(2) }),
      },
    ],
  }))
  return server
}
