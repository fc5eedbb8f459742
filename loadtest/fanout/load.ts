/** The clients of `fanout`: they count what they get. */
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { serveCalls } from '../harness/parts.ts'
import { RawSocket } from '../harness/rawSocket.ts'
import type { Kind } from './server.ts'

let received = 0

async function one(kind: Kind, url: string): Promise<void> {
  if (kind === 'ws') {
    const socket = new WebSocket(url.replace('http', 'ws'), {
      perMessageDeflate: false,
      skipUTF8Validation: true,
    })
    // Read like the others' events, so that all three servers have clients of the same speed.
    socket.on('message', (data: Buffer) => {
      if (data.toString('latin1').startsWith('["entries"')) received++
    })
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    return
  }
  const visitor = { namespace: '/visitor', auth: { version: 1, token: 'anyone' }, query: { widget: 'any' } }
  const socket = await RawSocket.connect({ url, ...(kind === 'parley' ? visitor : { namespace: '/' }) })
  socket.onEvent = event => {
    if (event.startsWith('["entries"')) received++
  }
}

export interface Visitor {
  readonly token: string
  readonly widget: string
}

/** A visitor of the program, with a conversation of their own before them. */
async function visit(url: string, { token, widget }: Visitor): Promise<void> {
  const auth = { version: 1, token }
  const socket = await RawSocket.connect({ url, namespace: '/visitor', auth, query: { widget } })
  await socket.ask('conversation.open', { clientId: 'first' })
}

async function visitAll(url: string, visitors: readonly Visitor[]): Promise<void> {
  for (let at = 0; at < visitors.length; at += 100)
    await Promise.all(visitors.slice(at, at + 100).map(visitor => visit(url, visitor)))
}

async function connect(kind: Kind, url: string, count: number): Promise<void> {
  for (let at = 0; at < count; at += 100)
    await Promise.all(Array.from({ length: Math.min(100, count - at) }, () => one(kind, url)))
}

/** Waits until that many events have come since the last call. */
async function expect(count: number): Promise<number> {
  for (let wait = 0; received < count && wait < 500; wait++) await sleep(10)
  const found = received
  received = 0
  return found
}

serveCalls({ connect, visitAll, expect })
