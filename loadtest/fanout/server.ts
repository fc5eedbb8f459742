/**
 * One process of `fanout`: publishes events to rooms as fast as their sockets take them. How it hands an event out is all that
 * differs between the three kinds.
 */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { createShardedAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { type WebSocket, WebSocketServer } from 'ws'
import { busClients } from '../../src/connections.ts'
import { connectBus, createGateway, type Doors } from '../../src/gateway/index.ts'
import { createLog, createMetrics, newId, noOrigin, noPermissions, Secret } from '../../src/kernel/index.ts'
import type { Events } from '../../src/protocol/index.ts'
import { serveCalls } from '../harness/parts.ts'
import { collectedBytes, liveBytes, residentBytes } from './residence.ts'
import { Underway } from './underway.ts'

export type Kind = 'parley' | 'ws' | 'socketio'
type Publish = (room: string, payload: Events['entries']) => void

const http = createServer()
const connections = new Set<Socket>()
http.on('connection', socket => {
  connections.add(socket)
  socket.on('close', forget)
})
/** One for all of them: a listener for each would be counted with what a connection keeps. */
function forget(this: Socket): void {
  connections.delete(this)
}

/** Anyone is let in; whoever comes names the room. */
function parley(redisUrl: string | undefined): Publish {
  const log = createLog({ level: 'error' })
  const metrics = createMetrics()
  const tenantId = newId()
  const doors = {
    allowsPage: async () => true,
    visitor: async () => {
      const actor = { kind: 'visitor', contactId: newId(), widgetId: newId() } as const
      const scope = { tenantId, actor, permissions: noPermissions, origin: noOrigin }
      return { scope, self: { kind: 'contact', id: actor.contactId }, expiresAt: null }
    },
    revoked: async () => undefined,
  } as Partial<Doors> as Doors
  const bus =
    redisUrl === undefined
      ? undefined
      : connectBus(busClients({ urls: [new Secret(redisUrl)], cluster: false }), { log, metrics })
  if (bus) Object.assign(bus, { publish: publications.counted(bus.publish) })
  const gateway = createGateway({
    ...{ bus, doors, log, metrics, trustProxy: 0, publicOrigin: 'http://localhost' },
    limits: { commandsPerSecond: 1_000_000, tenantCommandsPerSecond: 10_000_000, connectionsPerAddress: 1e6 },
  })
  let entered = 0
  gateway.onEntered(session => void session.join(roomName(roomOf(entered++))))
  gateway.open(http, [])
  // As the chat publishes entries.
  return (room, payload) => gateway.publish('visitor', room, 'entries', payload, { joined: true })
}

function bareWs(): Publish {
  const rooms = new Map<string, Set<WebSocket>>()
  let entered = 0
  new WebSocketServer({ server: http }).on('connection', socket => {
    const room = roomName(roomOf(entered++))
    const members = rooms.get(room) ?? new Set()
    rooms.set(room, members.add(socket))
    socket.on('close', () => members.delete(socket))
  })
  return (room, payload) => {
    // Bytes, made once: a string would be converted for each socket.
    const bytes = Buffer.from(JSON.stringify(['entries', payload]))
    for (const socket of rooms.get(room) ?? []) socket.send(bytes, { binary: false })
  }
}

function socketio(redisUrl: string): Publish {
  const [publisher, subscriber] = [new Redis(redisUrl), new Redis(redisUrl)]
  const publish = publisher.spublish.bind(publisher)
  const counted = publications.counted((channel: string, message: string) => publish(channel, message))
  Object.assign(publisher, { spublish: counted })
  const io = new Server(http, {
    transports: ['websocket'],
    adapter: createShardedAdapter(publisher, subscriber) as never,
  })
  let entered = 0
  io.on('connection', socket => void socket.join(roomName(roomOf(entered++))))
  return (room, payload) => void io.to(room).emit('entries', payload)
}

/** How many members a room has; the connections fill one room after the other. */
let roomSize = 1
const roomOf = (connection: number): number => Math.floor(connection / roomSize)
const roomName = (number: number): string => `t:${'0'.repeat(36)}:c:${String(number).padStart(36, '0')}`

/** As one short message of a visitor: 256 bytes of JSON, the event's name included. */
function event(room: number): Events['entries'] {
  const entry = {
    id: newId(),
    seq: 1,
    type: 'text',
    text: '',
    clientId: 'c',
    createdAt: new Date().toISOString(),
  }
  const payload = { conversationId: String(room).padStart(36, '0'), entries: [entry], head: 1 }
  entry.text = 'x'.repeat(256 - JSON.stringify(['entries', payload]).length)
  return payload as unknown as Events['entries']
}

let publish: Publish = () => undefined
/** Those that Redis has not confirmed yet; Socket.IO's adapter delivers each only then, and keeps it until. */
const publications = new Underway()
let rooms = 0

const listen = (kind: Kind, size: number, connectionCount: number, redisUrl: string) => {
  roomSize = size
  rooms = connectionCount / size
  publish = kind === 'ws' ? bareWs() : kind === 'socketio' ? socketio(redisUrl) : parley(redisUrl)
  return new Promise<string>(resolve => {
    http.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
      resolve(`http://127.0.0.1:${(http.address() as AddressInfo).port}`),
    )
  })
}

/** More than this waiting in any socket means that the clients do not follow. */
const waitingBytes = 64 * 1024
const oneIsFull = () => {
  for (const socket of connections) if (socket.writableLength > waitingBytes) return true
  return false
}

/**
 * Publishes to all rooms in turn, so many events in a turn of the event loop, and then the next when no more than `ahead` of them are
 * unconfirmed by Redis. Where that is not 0, many events of a room are handed out at a time, in one call to the system for each socket:
 * another measure.
 */
async function run(
  durationMs: number,
  perTurn: number,
  ahead: number,
): Promise<{ events: number; cpuSeconds: number }> {
  const events = Array.from({ length: rooms }, (_, room) => ({ name: roomName(room), payload: event(room) }))
  const before = process.cpuUsage()
  const end = performance.now() + durationMs
  let published = 0
  while (performance.now() < end) {
    for (let one = 0; one < perTurn; one++) {
      const next = events[published++ % rooms]
      if (next) publish(next.name, next.payload)
    }
    await publications.atMost(ahead)
    await turn()
    if ((published / perTurn) % 20 === 0) while (oneIsFull()) await sleep(1)
  }
  await publications.atMost(0)
  await turn()
  while ([...connections].some(socket => socket.writableLength > 0)) await sleep(1)
  const { user, system } = process.cpuUsage(before)
  return { events: published, cpuSeconds: (user + system) / 1e6 }
}

serveCalls({ listen, run, collectedBytes, liveBytes, residentBytes })
