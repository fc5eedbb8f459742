import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import { io, type Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { busClients } from '../../src/connections.ts'
import { roomChannel } from '../../src/gateway/bus.ts'
import { deliver, eventPacket, frame } from '../../src/gateway/frames.ts'
import {
  type Bus,
  connectBus,
  createGateway,
  type Doors,
  type Gateway,
  rooms,
} from '../../src/gateway/index.ts'
import { createLog, createMetrics, newId, noOrigin, Secret } from '../../src/kernel/index.ts'
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
    const bus = connectBus(busClients({ urls: [new Secret(redis?.url ?? '')], cluster: false }), {
      log,
      metrics,
    })
    const doors = {
      allowsPage: async () => true,
      visitor: async () => {
        const actor = { kind: 'visitor', contactId: newId(), widgetId: newId() } as const
        const scope = { tenantId, actor, permissions: new Set<never>(), origin: noOrigin }
        return { scope, self: { kind: 'contact', id: actor.contactId }, expiresAt: null }
      },
      revoked: async () => undefined,
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
    const socket = await connected(url)
    socket.on('head', event => heard.push(event))
    return heard
  }

  async function connected(url: string): Promise<Socket> {
    const auth = { version: protocolVersion.current, token: 'anyone' }
    const socket = io(`${url}/visitor`, {
      ...{ auth, query: { widget: 'any' }, transports: ['websocket'], forceNew: true },
    })
    sockets.push(socket)
    await new Promise(resolve => socket.once('welcome', resolve))
    return socket
  }

  beforeAll(async () => {
    nodes.push(await startNode(), await startNode(), await startNode())
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

  test('L4: what is reached into of the libraries is there, so that a frame goes straight to a connection that waits for nothing', async () => {
    const [here] = nodes as [Node]
    const before = new Set(here.gateway.sessionsHere())
    const heard = await listener(here.url)
    const session = [...here.gateway.sessionsHere()].find(one => !before.has(one))
    if (!session) throw new Error('nobody came')
    const conversationId = newId()
    const packet = (head: number) =>
      frame(eventPacket('/visitor', 'head', { conversationId, head, title: '' }), false)
    expect(deliver(session.socket, packet(1), 1_000, false)).toBe('sent')
    expect(deliver(session.socket, packet(2), 1_000, true)).toBe('sent')
    // Nothing overtakes what is held.
    expect(deliver(session.socket, packet(3), 1_000, false)).toBe('sent')
    await eventually('all have come', () => heard.length === 3)
    expect(heard).toMatchObject([{ head: 1 }, { head: 2 }, { head: 3 }])
    expect(session.socket.nsp.adapter).toMatchObject({
      uid: expect.any(String),
      publishAndReturnOffset: expect.any(Function),
      onMessage: expect.any(Function),
      onRawMessage: expect.any(Function),
    })
  })

  test('L4: what cannot be read ends nobody, and is looked for like everything that was lost', async () => {
    const [here, there] = nodes as [Node, Node]
    const heard = await listener(there.url)
    await new Promise(resolve => setTimeout(resolve, 300))
    const operator = new Redis(redis?.url ?? '')
    let lost = 0
    there.bus.onRestored(() => {
      lost++
    })
    const unreadable = [
      'P1other\n\n\nroom\n/visitor,{',
      `P9other\n\n\n${room}\n2/visitor,["head",{}]`,
      'H9other',
    ]
    for (const [at, publication] of unreadable.entries()) {
      await operator.spublish(roomChannel('/visitor', room), publication)
      await eventually('it is known that something is lost', () => lost > at)
    }
    await operator.spublish('parley:restored', 'other soon')
    operator.disconnect()
    here.gateway.publish('visitor', room, 'head', { conversationId: newId(), head: 7 })
    await eventually('the next one is read', () => heard.length === 1)
    expect(heard).toMatchObject([{ head: 7 }])
  })

  test('L7: the epoch of a room is forgotten with it, also where it is told of a moment later', async () => {
    const [{ gateway, url }] = nodes as [Node]
    const ended = rooms.conversation(tenantId, newId())
    gateway.raise('visitor', ended, 5)
    const before = new Set(gateway.sessionsHere())
    const heard: unknown[] = []
    const socket = await connected(url)
    socket.on('owner', ({ epoch }) => heard.push(epoch))
    for (const session of gateway.sessionsHere()) if (!before.has(session)) await session.join(ended)
    const owner = { conversationId: newId(), owner: 'ai', assignedMemberId: null } as const
    const epochs = [4, 3, 6]
    for (const epoch of epochs) gateway.publish('visitor', ended, 'owner', { ...owner, epoch })
    await eventually('the last one came', () => heard.includes(6))
    expect(heard).toEqual([4, 6])
  })

  test('L7: whoever has seen an epoch gets nothing of a lower one, whichever node it comes from', async () => {
    const [writing, claiming, third] = nodes as [Node, Node, Node]
    const conversationId = newId()
    const seen = await Promise.all(
      nodes.map(async ({ url }) => {
        const heard: [string, number, number][] = []
        const socket = await connected(url)
        socket.on('owner', ({ epoch }) => heard.push(['owner', epoch, 0]))
        socket.on('delta', ({ epoch, offset }) => heard.push(['delta', epoch, offset]))
        return heard
      }),
    )
    await new Promise(resolve => setTimeout(resolve, 300))
    let offset = 0
    const write = (epoch: number) => {
      const delta = { conversationId, runId: conversationId, epoch, offset: offset++, text: 'x' }
      writing.gateway.publish('visitor', room, 'delta', delta, { ephemeral: true })
    }
    const hasHeard = (event: string, epoch: number) =>
      seen.every(heard => heard.some(([name, at]) => name === event && at === epoch))
    // The one that writes does not stop for the claim: it has not heard of it, and then does not care.
    const writer = setInterval(() => write(1), 1)
    try {
      await eventually('everybody reads along', () => hasHeard('delta', 1))
      claiming.gateway.publish('visitor', room, 'owner', {
        ...{ conversationId, owner: 'member', assignedMemberId: newId(), epoch: 2 },
      })
      await eventually('everybody knows who answers', () => hasHeard('owner', 2))
      const from = offset
      await eventually('it was written on', () => offset > from + 50)
    } finally {
      clearInterval(writer)
    }
    write(2)
    await eventually('what is begun after that is read', () => hasHeard('delta', 2))
    for (const heard of seen) {
      const after = heard.slice(heard.findIndex(([name]) => name === 'owner') + 1)
      expect(after).toEqual([['delta', 2, offset - 1]])
    }

    // Someone there has read of it in the log, and the event is still on its way.
    third.gateway.raise('visitor', room, 3)
    write(2)
    await eventually(
      'the others read it',
      () => seen.filter(heard => heard.at(-1)?.[2] === offset - 1).length === 2,
    )
    write(3)
    await eventually('all read what is of the new epoch', () => hasHeard('delta', 3))
    expect(seen[2]?.filter(([name, epoch]) => name === 'delta' && epoch === 2)).toHaveLength(1)
  })
})
