/** Socket.IO, stock or with its connection state recovery: what is said in a room goes to whoever is connected. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { serveCalls } from '../harness/parts.ts'

const listen = (recovery: boolean) => {
  const http = createServer()
  const io = new Server(http, {
    transports: ['websocket'],
    ...(recovery ? { connectionStateRecovery: { maxDisconnectionDuration: 120_000 } } : {}),
  })
  io.on('connection', socket => {
    socket.on('join', async (room: string, acknowledge: (answer: unknown) => void) => {
      await socket.join(room)
      acknowledge({ ok: true })
    })
    socket.on('say', (said: { room: string; name: string }, acknowledge: (answer: unknown) => void) => {
      io.to(said.room).emit('message', said)
      acknowledge({ ok: true })
    })
  })
  return new Promise<string>(resolve => {
    http.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(http.address() as AddressInfo).port}`))
  })
}

serveCalls({ listen })
