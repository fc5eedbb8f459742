import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseAllowList } from '../../src/providers/allowList.ts'
import { createOutgoing, type OutgoingRequest, type Resolve } from '../../src/providers/outgoing.ts'

/** What a test has started. */
export const servers: { close(): unknown }[] = []
/** After each test. */
export function closeServers(): void {
  for (const server of servers.splice(0)) server.close()
}

export async function serving(
  handle: RequestListener,
): Promise<{ url: string; port: number; server: Server }> {
  const server = createServer(handle).listen(0, '127.0.0.1')
  servers.push({
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, server }
}

export function outgoing(allowed: readonly string[] = ['127.0.0.1'], resolve?: Resolve) {
  const list = parseAllowList(allowed)
  if (!list) throw new Error('this is no list')
  return createOutgoing(list, resolve)
}
export const failing = (address: string, request?: OutgoingRequest, from = outgoing([])) =>
  from.fetch(address, request).then(
    response => response.text().then(text => `answered: ${text}`),
    (error: { reason?: string }) => error.reason ?? String(error),
  )
/** Of the body; the response itself comes. */
export const reasonOf = (reading: Promise<unknown>) =>
  reading.then(
    () => 'read',
    (error: { reason?: string }) => error.reason ?? String(error),
  )
export const to =
  (address: string): Resolve =>
  async () => [{ address, family: address.includes(':') ? 6 : 4 }]
