import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { toolServer } from './mcpServer.ts'

/** A tool server as a program; its first word of mouth is not of the protocol. */
process.stderr.write('a secret that was written to stderr\n')
await toolServer().connect(new StdioServerTransport())
