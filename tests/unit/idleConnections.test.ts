import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type Socket } from 'socket.io'
import { io } from 'socket.io-client'
import { afterEach, describe, expect, test } from 'vitest'
import { createGateway, type Doors, type Gateway } from '../../src/gateway/index.ts'
import { TokenBuckets } from '../../src/gateway/tokenBucket.ts'
import { createLog, createMetrics, newId, noOrigin, noPermissions } from '../../src/kernel/index.ts'
import { eventually } from '../support/eventually.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function serve(open: (http: ReturnType<typeof createServer>) => void): Promise<string> {
  const http = createServer()
  open(http)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  undo.push(() => http.close())
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** Anyone is let in. */
async function openGateway(): Promise<{ gateway: Gateway; url: string }> {
  const doors = {
    allowsPage: async () => true,
    visitor: async () => {
      const actor = { kind: 'visitor', contactId: newId(), widgetId: newId() } as const
      const scope = { tenantId: newId(), actor, permissions: noPermissions, origin: noOrigin }
      return { scope, self: { kind: 'contact', id: actor.contactId }, expiresAt: null }
    },
    revoked: async () => undefined,
  } as Partial<Doors> as Doors
  const gateway = createGateway({
    ...{ doors, log: createLog({ level: 'error' }), metrics: createMetrics() },
    ...{ bus: undefined, trustProxy: 0, publicOrigin: 'http://localhost' },
    limits: { commandsPerSecond: 20, tenantCommandsPerSecond: 100, connectionsPerAddress: 10 },
  })
  const url = await serve(http => gateway.open(http, []))
  undo.push(() => gateway.close())
  return { gateway, url }
}

function connect(url: string, transports: string[]) {
  const client = io(`${url}/visitor`, {
    ...{ transports, forceNew: true, reconnection: false },
    ...{ query: { widget: 'any' }, auth: { version: 1, token: 'any' } },
  })
  undo.push(() => client.close())
  return once(client as never, 'connect').then(() => client)
}

/** Of what Socket.IO, Engine.IO and ws keep, all that the gateway takes away. */
interface Kept {
  readonly acks: Map<unknown, unknown>
  readonly client: { readonly decoder: object }
  readonly conn: {
    readonly request: unknown
    readonly transport: {
      readonly name: string
      readonly socket: {
        readonly _receiver: { readonly _maxPayload: number }
        listeners(event: string): { readonly name: string }[]
        eventNames(): unknown[]
      }
    }
  }
}
const kept = (socket: Socket) => socket as unknown as Kept

describe('what an idle connection keeps', () => {
  test('the libraries still have the names of what is taken away', async () => {
    const server = new Server({ transports: ['websocket'] })
    const url = await serve(http => server.attach(http))
    undo.push(() => server.close())
    const [[socket]] = (await Promise.all([
      once(server.of('/visitor') as never, 'connection'),
      connect(url, ['websocket']),
    ])) as [[Socket], unknown]
    const { acks, conn } = kept(socket)
    expect(acks).toEqual(new Map())
    expect(conn.request).not.toBeNull()
    expect(conn.transport.socket.listeners('error').map(({ name }) => name)).toContain('onUpgradeError')
  })

  test('nothing of the handshake, and no listener that another one could be', async () => {
    const { gateway, url } = await openGateway()
    await Promise.all([connect(url, ['websocket']), connect(url, ['websocket'])])
    const [one, other] = [...gateway.sessionsHere()].map(({ socket }) => kept(socket))
    if (!one || !other) throw new Error('two are connected')
    expect(one.acks).toBe(other.acks)
    expect(one.conn.request).toBeNull()
    const webSocket = one.conn.transport.socket
    expect(webSocket.listeners('error').map(({ name }) => name)).not.toContain('onUpgradeError')
    expect(webSocket.eventNames().sort()).toEqual(['close', 'error', 'message'])
    expect(Object.keys(one.client.decoder)).toEqual([])
  })

  test('S4: who began by polling may send long messages after the change to a WebSocket', async () => {
    const { gateway, url } = await openGateway()
    const client = await connect(url, ['polling', 'websocket'])
    const [session] = gateway.sessionsHere()
    if (!session) throw new Error('someone is connected')
    await eventually('a WebSocket', () => kept(session.socket).conn.transport.name === 'websocket')
    const answer = await client.emitWithAck('no.such.command', { long: 'x'.repeat(200 * 1024) })
    expect(answer).toMatchObject({ ok: false })
  })
})

describe('buckets for many', () => {
  test('each key has its own burst, and waits once it is spent', () => {
    const buckets = new TokenBuckets<string>(1, 3)
    for (const key of ['a', 'b']) {
      expect([1, 2, 3].map(() => buckets.take(key))).toEqual([0, 0, 0])
      expect(buckets.take(key)).toBeGreaterThan(0)
    }
  })

  test('a spent one is remembered until it could be full again, and is full then', async () => {
    const buckets = new TokenBuckets<string>(10, 3)
    const spend = () => [1, 2, 3].map(() => buckets.take('a'))
    const start = performance.now()
    expect(spend()).toEqual([0, 0, 0])
    // Whatever is forgotten in between, no more passes than the rate allows.
    let passed = 0
    await eventually('a second is over', () => {
      if (buckets.take('a') === 0) passed++
      return performance.now() - start > 1_000
    })
    expect(passed).toBeLessThanOrEqual(Math.ceil((performance.now() - start) / 100))
    expect(passed).toBeGreaterThan(0)
  })
})
