import { join } from 'node:path'
import { inject } from 'vitest'
import type { GatewayNode } from './nodes.ts'
import { freePort, startServer } from './services/process.ts'

const root = join(import.meta.dirname, '..', '..')

async function answers(address: string): Promise<void> {
  const { status } = await fetch(address, { signal: AbortSignal.timeout(2_000) })
  if (status !== 200) throw new Error(`${address} answers ${status}`)
}

/** deploy/haproxy.cfg in front of two nodes; ready when both are taken for ready. */
export async function startBalancer([one, other]: readonly [GatewayNode, GatewayNode]) {
  const [front, health] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${front}`
  const server = await startServer({
    name: 'haproxy',
    command: 'env',
    args: [
      `GATEWAY_1=127.0.0.1:${one.port}`,
      `GATEWAY_2=127.0.0.1:${other.port}`,
      `LISTEN=127.0.0.1:${front}`,
      `LISTEN_HEALTH=127.0.0.1:${health}`,
      ...[inject('services').haproxy?.path ?? '', '-db', '-f', join(root, 'deploy/haproxy.cfg')],
    ],
    ready: async () => {
      await answers(`http://127.0.0.1:${health}/healthz`)
      await answers(`${url}/readyz`)
    },
    deadlineMs: 10_000,
    graceMs: 2_000,
  })
  return { url, port: front, stop: server.stop }
}
