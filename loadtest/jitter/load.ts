/** The load of `jitter`: clients that lose their network again and again, some of which speak; in the end all are asked what they have. */
import { setTimeout as sleep } from 'node:timers/promises'
import { serveCalls } from '../harness/parts.ts'
import { type JitterClient, parleyClient, stockClient, type Visitor } from './clients.ts'

export interface Plan {
  readonly url: string
  readonly side: 'parley' | 'stock' | 'recovery'
  /** A visitor for each conversation; the clients of one conversation share it. */
  readonly visitors: readonly Visitor[]
  readonly clientsEach: number
}

export interface JitterFigures {
  /** For each client, the messages of its conversation that were acknowledged. */
  readonly expected: number
  /** Of these, how many a client has not. */
  readonly missing: number
  /** Shown more than once to one client. */
  readonly repeated: number
  readonly reconnects: number
  /** From the connection that was made to all that was missed. */
  readonly replayP99Ms: number
  /** The same from the moment when the network was back: with what the client waits before it tries again. */
  readonly backP99Ms: number
}

const everyMs = 15_000
const awayMs = 2_000
const sayEveryMs = 500
const patienceMs = 15_000
/** The first of each is the one that speaks; it is cut like the others. */
const conversations: JitterClient[][] = []

async function connect({ url, side, visitors, clientsEach }: Plan): Promise<void> {
  for (const [at, visitor] of visitors.entries()) {
    if (side === 'parley') {
      const first = await parleyClient(url, visitor, undefined)
      const others = await several(clientsEach - 1, () => parleyClient(url, visitor, first.conversationId))
      conversations.push([first, ...others])
    } else conversations.push(await several(clientsEach, which => stockClient(url, `room-${at}`, `${which}`)))
  }
}

const several = <One>(count: number, make: (which: number) => Promise<One>): Promise<One[]> =>
  Promise.all(Array.from({ length: count }, (_, which) => make(which)))

interface Times {
  readonly replays: number[]
  readonly backs: number[]
}

/** One client's life: connected for about as long as was asked, away for a while, and back. */
async function live({ line, ready }: JitterClient, end: number, { replays, backs }: Times): Promise<void> {
  // Spread over the whole period from the beginning.
  let next = performance.now() + Math.random() * everyMs
  while (next + awayMs < end) {
    await sleep(Math.max(0, next - performance.now()))
    line.cut()
    await sleep(awayMs)
    const restored = performance.now()
    let dialled = restored
    line.onDial = () => {
      dialled = performance.now()
    }
    line.restore()
    await ready()
    replays.push(performance.now() - dialled)
    backs.push(performance.now() - restored)
    next += everyMs * (0.8 + Math.random() * 0.4)
  }
}

async function speak({ say }: JitterClient, end: number): Promise<void> {
  await sleep(Math.random() * sayEveryMs)
  while (performance.now() < end) {
    say()
    await sleep(sayEveryMs)
  }
}

async function run(durationMs: number): Promise<JitterFigures> {
  const end = performance.now() + durationMs
  const times: Times = { replays: [], backs: [] }
  const speakers = conversations.flatMap(([first]) => first ?? [])
  const before = new Map(speakers.map(speaker => [speaker, new Set(speaker.acknowledged)]))
  await Promise.all([
    ...conversations.flat().map(client => live(client, end, times)),
    ...speakers.map(speaker => speak(speaker, end)),
  ])
  // What is late may still come; what does not come in this time is missing.
  const deadline = performance.now() + patienceMs
  while (speakers.some(speaker => speaker.waits()) && performance.now() < deadline) await sleep(50)
  await sleep(2_000)
  return { ...count(before), ...quantiles(times), reconnects: times.replays.length }
}

/** Each client is asked for each message by its name: what one has twice makes up for nothing that another has not. */
function count(before: ReadonlyMap<JitterClient, ReadonlySet<string>>) {
  const figures = { expected: 0, missing: 0, repeated: 0 }
  for (const clients of conversations) {
    const [speaker] = clients
    if (!speaker) continue
    const earlier = before.get(speaker) ?? new Set()
    const wanted = [...speaker.acknowledged].filter(name => !earlier.has(name))
    for (const client of clients) {
      const held = client.held()
      const names = new Set(held)
      figures.expected += wanted.length
      figures.missing += wanted.filter(name => !names.has(name)).length
      figures.repeated += held.length - names.size
    }
  }
  return figures
}

const quantiles = ({ replays, backs }: Times) => ({ replayP99Ms: p99(replays), backP99Ms: p99(backs) })

const p99 = (times: readonly number[]): number =>
  times.toSorted((one, other) => one - other)[Math.floor(0.99 * (times.length - 1))] ?? Number.NaN

serveCalls({ connect, run })
