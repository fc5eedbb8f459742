/** Bare Socket.IO: acknowledges, and echoes to the room. It stores nothing and checks nothing. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { serveCalls } from '../harness/parts.ts'

const http = createServer()
const io = new Server(http, { transports: ['websocket'] })
io.on('connection', socket => {
  socket.on('join', async (room: string, acknowledge: (answer: unknown) => void) => {
    await socket.join(room)
    acknowledge({ ok: true })
  })
  socket.on('message.send', (message: { conversationId: string }, acknowledge: (answer: unknown) => void) => {
    io.to(message.conversationId).emit('message', message)
    acknowledge({ ok: true })
  })
})

serveCalls({
  listen: () =>
    new Promise<string>(resolve => {
      http.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(http.address() as AddressInfo).port}`))
    }),
})
