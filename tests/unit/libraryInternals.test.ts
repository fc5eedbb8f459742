import type { EventEmitter } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, Socket as Connection } from 'node:net'
import { createShardedAdapter } from '@socket.io/redis-adapter'
import { Server, type Socket } from 'socket.io'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { deliver, eventPacket, frame } from '../../src/gateway/frames.ts'
import { FrugalWebSocketServer } from '../../src/gateway/frugalWebSockets.ts'
import { guardConnections } from '../../src/gateway/guard.ts'
import { strictParser } from '../../src/gateway/strictParser.ts'

/** What `src/gateway` uses of libraries beyond what they document: a version that renames it is to fail here, not to get slower unseen. */

const http = createServer()
const server = new Server(http, {
  ...{ parser: strictParser, wsEngine: FrugalWebSocketServer },
  perMessageDeflate: false,
})
const clients: { close(): unknown }[] = []

beforeAll(async () => {
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  for (const client of clients) client.close()
  await server.close()
})

async function connected(transport: 'websocket' | 'polling') {
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const came = new Promise<Socket>(resolve => server.once('connection', resolve))
  const client = io(url, { transports: [transport], forceNew: true })
  clients.push(client)
  const heard = new Promise(resolve => client.once('hello', resolve))
  return { socket: await came, heard }
}

const hello = frame(eventPacket('/', 'hello', 1).replace('/,', ''), false)

test('frames.ts: Engine.IO and ws keep a WebSocket under the names by which it is written to directly', async () => {
  const { socket, heard } = await connected('websocket')
  expect(socket).toMatchObject({
    ...{ fns: [], acks: expect.any(Map) },
    client: {
      ...{ writeToEngine: expect.any(Function), decoder: { receive: expect.any(Function) } },
      ...{ sockets: expect.any(Map), nsps: expect.any(Map) },
    },
    conn: {
      ...{ readyState: 'open', upgrading: false, writeBuffer: expect.any(Array), request: expect.anything() },
      transport: {
        ...{ name: 'websocket', writable: true },
        socket: {
          ...{ readyState: 1, bufferedAmount: 0, terminate: expect.any(Function) },
          _socket: expect.any(Connection),
          _sender: { _state: 0, _bufferedBytes: 0 },
          // And nothing of the frame that asked for the namespace.
          _receiver: { _maxPayload: expect.any(Number), _mask: undefined },
        },
      },
    },
  })
  expect(deliver(socket, hello, 1_000, false)).toBe('sent')
  expect(await heard).toBe(1)
  expect(Object.keys((server.engine as unknown as { clients: object }).clients)).toHaveLength(1)
})

test('frames.ts: what polls is written to by way of Engine.IO', async () => {
  const { socket, heard } = await connected('polling')
  expect(socket.conn.transport).toMatchObject({ name: 'polling', maxHttpBufferSize: expect.any(Number) })
  expect(deliver(socket, hello, 1_000, false)).toBe('buffered')
  expect(await heard).toBe(1)
})

test('guard.ts: what was let in keeps plain listeners, speaks, and leaves nothing behind', async () => {
  const { socket, heard } = await connected('websocket')
  const { clients: open } = server.engine as unknown as { clients: object }
  const before = Object.keys(open).length
  const guard = guardConnections({ limits: {}, draining: () => false } as never)
  guard.admitted(socket)
  const raw = socket.conn as unknown as EventEmitter & {
    readonly transport: EventEmitter & { readonly socket: EventEmitter }
  }
  const emitters = [raw, raw.transport, raw.transport.socket]
  const wrapped = emitters.flatMap(emitter =>
    emitter
      .eventNames()
      .filter(event => emitter.rawListeners(event).some(listener => 'listener' in listener)),
  )
  expect(wrapped).toEqual([])
  expect(raw.transport.eventNames().toSorted()).toEqual(['close', 'drain', 'error', 'packet', 'ready'])
  expect(raw.transport.socket.listenerCount('error')).toBe(1)
  socket.emit('hello', 2)
  expect(await heard).toBe(2)
  const gone = new Promise(resolve => socket.once('disconnect', resolve))
  clients.at(-1)?.close()
  await gone
  await expect.poll(() => Object.keys(open).length).toBe(before - 1)
  expect(server.of('/').sockets.has(socket.id)).toBe(false)
})

test('frugalWebSockets.ts: ws keeps the mask of a frame under the name by which it is dropped', () => {
  const { Receiver } = WebSocket as unknown as { Receiver: new () => object }
  expect(Object.keys(new Receiver())).toContain('_mask')
})

test('adapter.ts: the sharded adapter receives and publishes under the names that are replaced', () => {
  const asked: string[] = []
  const listeners: unknown[] = []
  const client = {
    sSubscribe: (channel: string, listener: unknown) => {
      asked.push(channel)
      listeners.push(listener)
    },
  }
  const Adapter = createShardedAdapter(client, client, { channelPrefix: 'parley' }) as unknown as new (
    namespace: unknown,
  ) => object
  const adapter = new Adapter(server.of('/'))
  expect(adapter).toMatchObject({
    uid: expect.any(String),
    publishAndReturnOffset: expect.any(Function),
    onMessage: expect.any(Function),
    onRawMessage: expect.any(Function),
  })
  // And asks its client by the one it is given, which hands out what comes.
  expect(asked).toHaveLength(2)
  expect(listeners).toEqual([expect.any(Function), expect.any(Function)])
})
