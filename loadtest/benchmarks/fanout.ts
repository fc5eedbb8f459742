import { Redis } from 'ioredis'
import { eventually } from '../../tests/support/eventually.ts'
import type { Kind } from '../fanout/server.ts'
import type { Benchmark, BenchmarkContext, Outcome } from '../harness/benchmark.ts'
import { loadCore, serverCore, startChild } from '../harness/children.ts'
import { ownRedis } from '../harness/redis.ts'
import { interleave, medians } from '../harness/rounds.ts'

const connections = 1_000
const sizes = [1, 1_000] as const
/** `_free`: two nodes as well, and Socket.IO may publish before Redis has confirmed what it published before. */
const variants = ['', '_two_nodes', '_free', '_bursts'] as const
/** So many publications at the most, or its memory grows without an end. */
const aheadWhenFree = 1_000
type Size = (typeof sizes)[number]
type Variant = (typeof variants)[number]
type SideName = `${Kind}_room${Size}${Variant}`

export const fanout: Benchmark = {
  name: 'fanout',
  summary: `events of 256 B handed to rooms of 1 and of 1,000, by the gateway with Redis, by bare ws, by Socket.IO with its sharded adapter`,
  targets: [
    { key: 'ratio_ws_room1', comparison: '>=', value: 0.75 },
    { key: 'ratio_ws_room1000', comparison: '>=', value: 0.75 },
    { key: 'ratio_socketio_room1', comparison: '>=', value: 1.1 },
    { key: 'ratio_socketio_room1000', comparison: '>=', value: 1.1 },
  ],
  run,
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  let version = 'unknown'
  const sides = []
  for (const size of sizes) {
    for (const variant of variants) {
      // Bursts to one room; and bare ws has no other nodes.
      if (size === 1 && variant === '_bursts') continue
      for (const kind of ['parley', 'ws', 'socketio'] as const) {
        if (kind === 'ws' && variant === '_two_nodes') continue
        // The others are not held back by anything.
        if (kind !== 'socketio' && variant === '_free') continue
        const side = await start(context, kind, size, variant)
        version = side.version
        sides.push(side)
      }
    }
  }
  // Many short rounds: what disturbs one lasts longer than it, and then disturbs all sides of it alike.
  const measured = await interleave<number, SideName>(sides, {
    rounds: 15,
    warmUpMs: 1_000,
    durationMs: context.short ? 400 : 1_500,
    progress: context.progress,
  })
  const rounds = measured.map(figures => ({
    ratio_ws_room1: figures.parley_room1 / figures.ws_room1,
    ratio_ws_room1000: figures.parley_room1000 / figures.ws_room1000,
    // Alone, Parley publishes nothing to Redis, and Socket.IO all that it hands out: that is no comparison of the same work.
    ratio_socketio_room1: figures.parley_room1_two_nodes / figures.socketio_room1_two_nodes,
    ratio_socketio_room1000: figures.parley_room1000_two_nodes / figures.socketio_room1000_two_nodes,
    ratio_socketio_room1_alone: figures.parley_room1 / figures.socketio_room1,
    ratio_socketio_room1000_alone: figures.parley_room1000 / figures.socketio_room1000,
    ratio_socketio_room1_free: figures.parley_room1_two_nodes / figures.socketio_room1_free,
    ratio_socketio_room1000_free: figures.parley_room1000_two_nodes / figures.socketio_room1000_free,
    ratio_ws_room1000_bursts: figures.parley_room1000_bursts / figures.ws_room1000_bursts,
    ratio_socketio_room1000_bursts: figures.parley_room1000_bursts / figures.socketio_room1000_bursts,
    ...Object.fromEntries(Object.entries(figures).map(([side, value]) => [`${side}_per_cpu_s`, value])),
  }))
  return { metrics: medians(rounds), rounds, versions: { redis: version } }
}

/** One server with its clients; of two nodes, the other one has a member in each room, and is not counted. */
async function start(context: BenchmarkContext, kind: Kind, size: Size, variant: Variant) {
  const name: SideName = `${kind}_room${size}${variant}`
  const twoNodes = variant === '_two_nodes' || variant === '_free'
  const ahead = variant === '_free' ? aheadWhenFree : 0
  const perTurn = size === 1 ? 50 : variant === '_bursts' ? 10 : 1
  const nodeArguments = context.profile(`fanout-${name}`)
  // Of its own: on a shared one each would be another's second node.
  const redis = await ownRedis(context)
  const server = startChild(context, 'fanout/server.ts', { core: serverCore, nodeArguments })
  const load = startChild(context, 'fanout/load.ts', { core: loadCore })
  const url = await server.call<string>('listen', kind, size, connections, redis.url)
  await load.call('connect', kind, url, connections)
  const rooms = connections / size
  if (twoNodes) {
    const other = startChild(context, 'fanout/server.ts', { core: loadCore })
    await load.call('connect', kind, await other.call('listen', kind, 1, rooms, redis.url), rooms)
    await eventually('both nodes hear of all rooms', async () => (await listeners(redis.url)) === 2 * rooms)
  }
  const run = async (durationMs: number): Promise<number> => {
    const { events, cpuSeconds } = await server.call<{ events: number; cpuSeconds: number }>(
      'run',
      durationMs,
      perTurn,
      ahead,
    )
    const expected = events * (size + (twoNodes ? 1 : 0))
    const received = await load.call<number>('expect', expected)
    if (received !== expected) throw new Error(`${name}: ${received} of ${expected} arrived`)
    return (events * size) / cpuSeconds
  }
  return { name, run, version: redis.version }
}

/** How many subscriptions there are to channels of rooms. */
async function listeners(url: string): Promise<number> {
  const redis = new Redis(url)
  try {
    const channels = (await redis.call('pubsub', 'shardchannels', '*:c:*')) as string[]
    const counts = (await redis.call('pubsub', 'shardnumsub', ...channels)) as (string | number)[]
    return counts.reduce<number>((sum, count, at) => sum + (at % 2 === 1 ? Number(count) : 0), 0)
  } finally {
    redis.disconnect()
  }
}
