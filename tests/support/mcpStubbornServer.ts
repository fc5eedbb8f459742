import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { toolServer } from './mcpServer.ts'

/** A tool server as a program that goes on when it is left and when it is asked to end. It writes its process id into the folder that it is given. */
process.on('SIGTERM', () => undefined)
setInterval(() => undefined, 1_000)
writeFileSync(join(process.argv[2] ?? '', String(process.pid)), '')
await toolServer().connect(new StdioServerTransport())
