import type { Kind } from '../fanout/server.ts'
import type { Benchmark, BenchmarkContext, Outcome } from '../harness/benchmark.ts'
import { loadCore, serverCore, startChild } from '../harness/children.ts'
import { ownRedis } from '../harness/redis.ts'
import { interleave, medians } from '../harness/rounds.ts'

const connections = 1_000
const kinds = ['parley', 'ws', 'socketio'] as const
const sizes = [1, 1_000] as const
type SideName = `${Kind} ${(typeof sizes)[number]}`

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
    for (const kind of kinds) {
      const options = { core: serverCore, nodeArguments: context.profile(`fanout-${kind}-${size}`) }
      const server = startChild(context, 'fanout/server.ts', options)
      const load = startChild(context, 'fanout/load.ts', { core: loadCore })
      // Of its own: on a shared one each would be another's second node.
      const redis = await ownRedis(context)
      version = redis.version
      const url = await server.call<string>('listen', kind, size, connections, redis.url)
      await load.call('connect', kind, url, connections)
      const name: SideName = `${kind} ${size}`
      sides.push({
        name,
        run: async (durationMs: number): Promise<number> => {
          const { deliveries, cpuSeconds } = await server.call<{ deliveries: number; cpuSeconds: number }>(
            'run',
            durationMs,
          )
          const received = await load.call<number>('expect', deliveries)
          if (received !== deliveries) throw new Error(`${name}: ${received} of ${deliveries} arrived`)
          return deliveries / cpuSeconds
        },
      })
    }
  }
  const measured = await interleave<number, SideName>(sides, {
    rounds: 5,
    warmUpMs: 1_000,
    durationMs: context.short ? 1_000 : 3_000,
    progress: context.progress,
  })
  const rounds = measured.map(figures => ({
    ratio_ws_room1: figures['parley 1'] / figures['ws 1'],
    ratio_ws_room1000: figures['parley 1000'] / figures['ws 1000'],
    ratio_socketio_room1: figures['parley 1'] / figures['socketio 1'],
    ratio_socketio_room1000: figures['parley 1000'] / figures['socketio 1000'],
    ...Object.fromEntries(
      Object.entries(figures).map(([side, value]) => [`${side.replace(' ', '_room')}_per_cpu_s`, value]),
    ),
  }))
  return { metrics: medians(rounds), rounds, versions: { redis: version } }
}
