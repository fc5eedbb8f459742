import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { io, type Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import {
  type Bus,
  connectBus,
  createGateway,
  type Doors,
  type Gateway,
  rooms,
} from '../../src/gateway/index.ts'
import { createLog, createMetrics, newId, noOrigin } from '../../src/kernel/index.ts'
import { protocolVersion } from '../../src/protocol/index.ts'
import { eventually } from '../support/eventually.ts'

const { redis } = inject('services')

interface Node {
  readonly gateway: Gateway
  readonly bus: Bus
  readonly server: Server
  readonly url: string
}

describe.skipIf(!redis)('events between nodes', () => {
  const tenantId = newId()
  const room = rooms.conversation(tenantId, newId())
  const nodes: Node[] = []
  const sockets: Socket[] = []

  async function startNode(): Promise<Node> {
    const log = createLog({ level: 'fatal' })
    const metrics = createMetrics()
    const bus = connectBus({ url: redis?.url ?? '', cluster: false }, { log, metrics })
    const doors = {
      allowsPage: async () => true,
      visitor: async () => {
        const actor = { kind: 'visitor', contactId: newId(), widgetId: newId() } as const
        const scope = { tenantId, actor, permissions: new Set<never>(), origin: noOrigin }
        return { scope, self: { kind: 'contact', id: actor.contactId }, expiresAt: null }
      },
      revoked: async () => new Map<never, never>(),
    } as Partial<Doors> as Doors
    const gateway = createGateway({
      ...{ bus, doors, log, metrics, trustProxy: 0, publicOrigin: 'http://localhost' },
      limits: { commandsPerSecond: 100, tenantCommandsPerSecond: 100, connectionsPerAddress: 100 },
    })
    gateway.onEntered(session => void session.join(room))
    const server = createServer()
    gateway.open(server, [])
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return { gateway, bus, server, url }
  }

  async function listener(url: string): Promise<unknown[]> {
    const heard: unknown[] = []
    const auth = { version: protocolVersion.current, token: 'anyone' }
    const socket = io(`${url}/visitor`, {
      ...{ auth, query: { widget: 'any' }, transports: ['websocket'], forceNew: true },
    })
    socket.on('head', event => heard.push(event))
    sockets.push(socket)
    await new Promise(resolve => socket.once('welcome', resolve))
    return heard
  }

  beforeAll(async () => {
    nodes.push(await startNode(), await startNode())
    await eventually('the nodes know of each other', () =>
      nodes.every(({ bus }) => bus.up && bus.othersAreThere),
    )
  })
  afterAll(async () => {
    for (const socket of sockets) socket.close()
    for (const { gateway, bus, server } of nodes) {
      await gateway.close()
      await bus.close()
      server.close()
    }
  })

  test('L4: what one node publishes reaches its own sockets and those of the others, once each and in order', async () => {
    const [here, there] = nodes as [Node, Node]
    const delivered: unknown[] = []
    there.gateway.onDelivered((audience, at, event, payload) =>
      delivered.push([audience, at, event, payload]),
    )
    const [near, far] = [await listener(here.url), await listener(there.url)]
    // What the subscription takes; nothing else says when it is there.
    await new Promise(resolve => setTimeout(resolve, 300))
    const conversationId = newId()
    const sent = Array.from({ length: 50 }, (_, head) => ({ conversationId, head, title: 'Grüße\n' }))
    for (const event of sent) here.gateway.publish('visitor', room, 'head', event)
    await eventually('everything has come', () => far.length >= sent.length)
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(near).toEqual(sent)
    expect(far).toEqual(sent)
    expect(delivered).toEqual(sent.map(event => ['visitor', room, 'head', event]))
  })
})
