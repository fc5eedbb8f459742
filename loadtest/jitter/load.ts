/** The clients of `jitter`: each loses its connection again and again, and counts what reached it in the end. */
import { setTimeout as sleep } from 'node:timers/promises'
import { serveCalls } from '../harness/parts.ts'
import { RawSocket, type RawSocketOptions } from '../harness/rawSocket.ts'
import { Replica } from '../harness/replica.ts'

export interface Plan {
  readonly url: string
  readonly side: 'parley' | 'stock' | 'recovery'
  /** A visitor for each conversation; the clients of one conversation share it. */
  readonly visitors: readonly { readonly token: string; readonly widget: string }[]
  readonly clientsEach: number
}

export interface JitterFigures {
  readonly expected: number
  readonly delivered: number
  readonly replayP99Ms: number
  readonly reconnects: number
}

interface Client {
  /** Resolves once what was missed has come, as far as the server still has it. */
  connect(): Promise<void>
  kill(): void
  delivered(): number
}

interface Speaker {
  said: number
  say(): Promise<unknown>
}

const everyMs = 15_000
const awayMs = 2_000
const sayEveryMs = 500
const clients: Client[] = []
const speakers: Speaker[] = []
let clientsEach = 0

async function connect(plan: Plan): Promise<void> {
  clientsEach = plan.clientsEach
  for (const [at, visitor] of plan.visitors.entries()) {
    const make = plan.side === 'parley' ? await parleyRoom(plan.url, visitor) : stockRoom(plan, `room-${at}`)
    speakers.push(await make.speaker())
    const some = Array.from({ length: clientsEach }, make.client)
    await Promise.all(some.map(client => client.connect()))
    clients.push(...some)
  }
}

async function parleyRoom(url: string, { token, widget }: Plan['visitors'][number]) {
  const options = { url, namespace: '/visitor', auth: { version: 1, token }, query: { widget } }
  const socket = await RawSocket.connect(options)
  const opened = await socket.ask<{ conversation: { id: string } }>('conversation.open', {
    clientId: 'first',
  })
  const conversationId = opened.conversation.id
  return {
    client: (): Client => {
      const replica = new Replica(options, conversationId)
      return {
        connect: () => replica.connect(),
        kill: () => replica.kill(),
        delivered: () => replica.position,
      }
    },
    speaker: async (): Promise<Speaker> =>
      speakerBy(said => {
        const parts = [{ type: 'text', text: 'Is anybody there?' }]
        return socket.ask('message.send', { conversationId, clientId: `s${said}`, parts })
      }),
  }
}

function stockRoom({ url, side }: Plan, room: string) {
  return {
    client: (): Client => new StockClient({ url, namespace: '/' }, room, side === 'recovery'),
    speaker: async (): Promise<Speaker> => {
      const socket = await RawSocket.connect({ url, namespace: '/' })
      return speakerBy(seq => socket.ask('say', { room, seq, text: 'Is anybody there?' }))
    },
  }
}

function speakerBy(say: (number: number) => Promise<unknown>): Speaker {
  const speaker = { said: 0, say: () => say(++speaker.said) }
  return speaker
}

/** What Socket.IO's own client does about it: joins again, and with recovery says who it was and what it had last. */
class StockClient implements Client {
  readonly #options: RawSocketOptions
  readonly #room: string
  readonly #recovers: boolean
  readonly #seen = new Set<number>()
  #socket: RawSocket | undefined
  #session: { readonly pid: string; offset: string } | undefined

  constructor(options: RawSocketOptions, room: string, recovers: boolean) {
    this.#options = options
    this.#room = room
    this.#recovers = recovers
  }

  async connect(): Promise<void> {
    const auth = this.#session && { pid: this.#session.pid, offset: this.#session.offset }
    const socket = await RawSocket.connect({ ...this.#options, auth, onEvent: text => this.#event(text) })
    this.#socket = socket
    if (this.#recovers && socket.welcome.pid !== undefined)
      this.#session = { pid: socket.welcome.pid, offset: this.#session?.offset ?? '' }
    await socket.ask('join', this.#room)
  }

  #event(text: string): void {
    const [name, said, offset] = JSON.parse(text) as [string, { seq: number }, string | undefined]
    if (name === 'message') this.#seen.add(said.seq)
    if (this.#session && offset !== undefined) this.#session.offset = offset
  }

  kill(): void {
    this.#socket?.kill()
  }

  delivered(): number {
    return this.#seen.size
  }
}

/** One client's life: connected for about as long as was asked, away for a while, and back. */
async function live(client: Client, end: number, replays: number[]): Promise<void> {
  // Spread over the whole period from the beginning.
  let next = performance.now() + Math.random() * everyMs
  while (next + awayMs < end) {
    await sleep(Math.max(0, next - performance.now()))
    client.kill()
    await sleep(awayMs)
    const before = performance.now()
    await client.connect()
    replays.push(performance.now() - before)
    next += everyMs * (0.8 + Math.random() * 0.4)
  }
}

async function run(durationMs: number): Promise<JitterFigures> {
  const end = performance.now() + durationMs
  const replays: number[] = []
  const before = clients.map(client => client.delivered())
  const saidBefore = speakers.map(({ said }) => said)
  const speak = async (speaker: Speaker) => {
    await sleep(Math.random() * sayEveryMs)
    while (performance.now() < end) {
      await speaker.say()
      await sleep(sayEveryMs)
    }
  }
  await Promise.all([...clients.map(client => live(client, end, replays)), ...speakers.map(speak)])
  await sleep(2_000)
  const expected = speakers.reduce(
    (sum, { said }, at) => sum + (said - (saidBefore[at] ?? 0)) * clientsEach,
    0,
  )
  const delivered = clients.reduce((sum, client, at) => sum + client.delivered() - (before[at] ?? 0), 0)
  const sorted = replays.sort((one, other) => one - other)
  const replayP99Ms = sorted[Math.floor(0.99 * (sorted.length - 1))] ?? Number.NaN
  return { expected, delivered, replayP99Ms, reconnects: replays.length }
}

serveCalls({ connect, run })
