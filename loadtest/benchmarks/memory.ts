import type { Kind } from '../fanout/server.ts'
import type { Benchmark, BenchmarkContext, Outcome } from '../harness/benchmark.ts'
import { loadCore, serverCore, startChild } from '../harness/children.ts'
import { ownRedis } from '../harness/redis.ts'
import { medians } from '../harness/rounds.ts'

const kinds = ['parley', 'ws', 'socketio'] as const
const rounds = 5

export const memory: Benchmark = {
  name: 'memory',
  summary:
    'resident bytes per idle connection that is in one room of its own, of processes that start anew each round',
  targets: [{ key: 'ratio_socketio', comparison: '<=', value: 0.8 }],
  run,
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const connections = context.short ? 2_000 : 6_000
  const measured: Record<Kind, number>[] = []
  for (let round = 0; round < rounds; round++) {
    context.progress(`round ${round + 1} of ${rounds}`)
    const bytes: Partial<Record<Kind, number>> = {}
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed())
      bytes[kind] = await bytesPerConnection(context, kind, connections)
    measured.push(bytes as Record<Kind, number>)
  }
  const figures = measured.map(({ parley, ws, socketio }) => ({
    ratio_socketio: parley / socketio,
    ratio_ws: parley / ws,
    bytes_per_connection: parley,
    socketio_bytes_per_connection: socketio,
    ws_bytes_per_connection: ws,
    connections,
  }))
  return { metrics: medians(figures), rounds: figures, versions: {} }
}

/** The first third is not counted: with it comes what every process needs once, such as room for its garbage. */
async function bytesPerConnection(
  context: BenchmarkContext,
  kind: Kind,
  connections: number,
): Promise<number> {
  const undo = new AsyncDisposableStack()
  const own = { ...context, undo }
  try {
    const redis = await ownRedis(own)
    const options = { core: serverCore, nodeArguments: ['--expose-gc'] }
    const server = startChild(own, 'fanout/server.ts', options)
    const load = startChild(own, 'fanout/load.ts', { core: loadCore })
    const url = await server.call<string>('listen', kind, 1, connections, redis.url)
    await load.call('connect', kind, url, connections / 2)
    const before = await server.call<number>('residentBytes')
    await load.call('connect', kind, url, connections)
    return ((await server.call<number>('residentBytes')) - before) / connections
  } finally {
    await undo.disposeAsync()
  }
}
