/** The two kinds of clients of `jitter`, each as its makers have it: the product's, and Socket.IO's own. */
import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { type Conversation, createClient, type SocketPort } from '../../src/client/index.ts'
import type { Ack } from '../../src/protocol/index.ts'
import { Line } from '../harness/line.ts'

export interface JitterClient {
  readonly line: Line
  /** Resolves when it has caught up with what its server could give it. */
  ready(): Promise<void>
  /** Says the next thing, connected or not; whether and when it is sent is the client's affair. */
  say(): void
  /** Names of what it said and the server has acknowledged. */
  readonly acknowledged: ReadonlySet<string>
  /** Whether something it said still waits to be acknowledged, and will be. */
  waits(): boolean
  /** Names of what has reached it, each as often as it is shown. */
  held(): readonly string[]
}

const words = 'Is anybody there?'
const patienceMs = 60_000

async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`)
    await sleep(5)
  }
}

const dial = (url: string, line: Line, more: object): Socket =>
  // Its types know of agents for browsers' sake only by name; in Node they are handed on as they are.
  io(url, { ...more, agent: line as never, forceNew: true, transports: ['websocket'] })

export interface Visitor {
  readonly token: string
  readonly widget: string
}

/** `conversationId`: of the first client of the conversation, which begins it, there is none. */
export async function parleyClient(
  url: string,
  { token, widget }: Visitor,
  conversationId: string | undefined,
): Promise<JitterClient & { readonly conversationId: string }> {
  const line = new Line()
  const acknowledged = new Set<string>()
  const options = { autoConnect: false, reconnection: false, query: { widget } }
  const socket = dial(`${url}/visitor`, line, options)
  const auth = async () => ({ token })
  const port = watched(socket, name => acknowledged.add(name))
  const client = createClient<'visitor'>({ socket: port, auth, renew: auth })
  await client.connect()
  const conversation =
    conversationId === undefined ? client.startConversation('jitter') : client.conversation(conversationId)
  await live(conversation)
  return {
    ...{ line, acknowledged, conversationId: conversation.getSnapshot().id ?? '' },
    ready: () => live(conversation),
    say: () => void conversation.send(words),
    waits: () =>
      conversation
        .getSnapshot()
        .messages.some(({ delivery }) => delivery === 'queued' || delivery === 'sent'),
    held: () => conversation.getSnapshot().entries.map(({ clientId }) => clientId),
  }
}

/** Listens only while it waits: what is shown is then put together for every change. */
function live(conversation: Conversation): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => reject(new Error('a client did not come back'))), patienceMs)
    const unsubscribe = conversation.subscribe(look)
    function settle(how: () => void): void {
      clearTimeout(timer)
      unsubscribe()
      how()
    }
    function look(): void {
      if (conversation.getSnapshot().live) settle(resolve)
    }
    look()
  })
}

/** The socket as the client has it; the acknowledgements of what it sends are noted where they come in. */
function watched(socket: Socket, note: (name: string) => void): SocketPort {
  return {
    get connected() {
      return socket.connected
    },
    get auth() {
      return socket.auth
    },
    set auth(value) {
      socket.auth = value
    },
    connect: () => socket.connect(),
    disconnect: () => socket.disconnect(),
    on: (event, listener) => socket.on(event, listener as never),
    off: (event, listener) => socket.off(event, listener as never),
    emit: (event, input, acknowledge) =>
      socket.emit(event, input, (answer: Ack<unknown>) => {
        if (event === 'message.send' && answer.ok) note((input as { clientId: string }).clientId)
        acknowledge(answer as never)
      }),
  }
}

/** Comes back and sends what was said meanwhile by its own rules; with recovery, its server also gives it what it missed. */
export async function stockClient(url: string, room: string, name: string): Promise<JitterClient> {
  const line = new Line()
  const acknowledged = new Set<string>()
  const shown: string[] = []
  let joined = false
  let said = 0
  const socket = dial(url, line, {})
  socket.on('message', (message: { name: string }) => shown.push(message.name))
  socket.on('disconnect', () => {
    joined = false
  })
  const join = () =>
    socket.emit('join', room, () => {
      joined = true
    })
  socket.on('connect', join)
  const ready = () => until('a client is in its room', () => socket.connected && joined)
  await ready()
  return {
    ...{ line, acknowledged, ready },
    say: () => {
      const message = { room, name: `${name}-${++said}`, text: words }
      socket.emit('say', message, () => acknowledged.add(message.name))
    },
    // What was under way when the connection broke is never acknowledged, and not expected by anybody.
    waits: () => false,
    held: () => shown,
  }
}
