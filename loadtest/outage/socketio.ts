/** One node of stock Socket.IO with the sharded Redis adapter. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createShardedAdapter } from '@socket.io/redis-adapter'
import { Redis } from 'ioredis'
import { Server } from 'socket.io'
import { serveCalls } from '../harness/parts.ts'

const listen = (redisUrl: string) => {
  const http = createServer()
  const clients = [new Redis(redisUrl), new Redis(redisUrl)] as const
  // The outage is what is measured; without a listener it would end the process.
  for (const client of clients) client.on('error', () => undefined)
  const io = new Server(http, {
    transports: ['websocket'],
    adapter: createShardedAdapter(clients[0], clients[1]) as never,
  })
  io.on('connection', socket => {
    socket.on('join', async (room: string, acknowledge: (answer: unknown) => void) => {
      await socket.join(room)
      acknowledge({ ok: true })
    })
    socket.on('say', (said: { room: string; clientId: string }, acknowledge: (answer: unknown) => void) => {
      io.to(said.room).emit('message', said)
      acknowledge({ ok: true })
    })
  })
  return new Promise<string>(resolve => {
    http.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(http.address() as AddressInfo).port}`))
  })
}

serveCalls({ listen })
