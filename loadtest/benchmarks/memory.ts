import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Visitor } from '../fanout/load.ts'
import type { Kind } from '../fanout/server.ts'
import type { Benchmark, BenchmarkContext, Outcome } from '../harness/benchmark.ts'
import { type Child, loadCore, serverCore, startChild } from '../harness/children.ts'
import { type TemporaryDatabase, temporaryDatabase } from '../harness/database.ts'
import { newVisitor, newWorkspace, startProgram } from '../harness/program.ts'
import { ownRedis } from '../harness/redis.ts'
import { medians } from '../harness/rounds.ts'

/** The whole program; beside it its gateway alone, whose doors let anyone in, and the two it is compared with. */
const sides = ['program', 'parley', 'ws', 'socketio'] as const
type SideName = (typeof sides)[number]
const rounds = 5

export const memory: Benchmark = {
  name: 'memory',
  summary:
    'resident bytes per idle connection that is in one room of its own, of the whole program and of others that start anew each round; after a collection, and as they stand',
  targets: [{ key: 'ratio_socketio', comparison: '<=', value: 0.8 }],
  run,
}

interface Bytes {
  readonly collected: number
  readonly live: number
  readonly resident: number
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const connections = context.short ? 2_000 : 6_000
  const database = await temporaryDatabase(context)
  const visitors = await prepare(context, database, connections + connections / 2)
  const measured: Record<SideName, Bytes>[] = []
  for (let round = 0; round < rounds; round++) {
    context.progress(`round ${round + 1} of ${rounds}`)
    const bytes: Partial<Record<SideName, Bytes>> = {}
    for (const side of round % 2 === 0 ? sides : sides.toReversed())
      bytes[side] = await bytesPerConnection(context, connections, own =>
        side === 'program' ? programSide(own, database, visitors) : otherSide(own, side, connections),
      )
    measured.push(bytes as Record<SideName, Bytes>)
  }
  const figures = measured.map(({ program, parley, ws, socketio }) => ({
    ratio_socketio: program.collected / socketio.collected,
    ratio_socketio_resident: program.resident / socketio.resident,
    ratio_socketio_live: program.live / socketio.live,
    ratio_ws: program.collected / ws.collected,
    ratio_ws_resident: program.resident / ws.resident,
    bytes_per_connection: program.collected,
    resident_bytes_per_connection: program.resident,
    live_bytes_per_connection: program.live,
    gateway_ratio_socketio: parley.collected / socketio.collected,
    gateway_ratio_socketio_resident: parley.resident / socketio.resident,
    gateway_bytes_per_connection: parley.collected,
    gateway_live_bytes_per_connection: parley.live,
    gateway_resident_bytes_per_connection: parley.resident,
    socketio_bytes_per_connection: socketio.collected,
    socketio_live_bytes_per_connection: socketio.live,
    socketio_resident_bytes_per_connection: socketio.resident,
    ws_bytes_per_connection: ws.collected,
    ws_resident_bytes_per_connection: ws.resident,
    connections,
  }))
  return { metrics: medians(figures), rounds: figures, versions: { postgres: database.serverVersion } }
}

/** Visitors for all rounds, made by a program that is not measured. */
async function prepare(
  context: BenchmarkContext,
  database: TemporaryDatabase,
  count: number,
): Promise<Visitor[]> {
  const undo = new AsyncDisposableStack()
  try {
    context.progress(`preparing ${count} visitors`)
    const program = await startProgram({ ...context, undo }, database)
    const { widgetKey: widget } = await newWorkspace(program, database, 0)
    const visitors: Visitor[] = []
    while (visitors.length < count) {
      const some = Array.from({ length: Math.min(50, count - visitors.length) }, async () => ({
        ...(await newVisitor(program, widget)),
        widget,
      }))
      visitors.push(...(await Promise.all(some)))
    }
    return visitors
  } finally {
    await undo.disposeAsync()
  }
}

interface Side {
  readonly server: Pick<Child, 'call'>
  /** That many more. */
  connect(count: number): Promise<void>
}

const preloaded = fileURLToPath(new URL('../fanout/preloaded.ts', import.meta.url))

/** `src/main.ts` with database and Redis; visitors whose credentials expire, each with a conversation that is open. */
async function programSide(
  context: BenchmarkContext,
  database: TemporaryDatabase,
  visitors: readonly Visitor[],
): Promise<Side> {
  const redis = await ownRedis(context)
  const nodeArguments = ['--expose-gc', '--import', preloaded]
  const server = await startProgram(context, database, { REDIS_URL: redis.url }, nodeArguments)
  const load = startChild(context, 'fanout/load.ts', { core: loadCore })
  let connected = 0
  return {
    server,
    async connect(count) {
      await load.call('visitAll', server.url, visitors.slice(connected, connected + count))
      connected += count
    },
  }
}

async function otherSide(context: BenchmarkContext, kind: Kind, connections: number): Promise<Side> {
  const redis = await ownRedis(context)
  const options = { core: serverCore, nodeArguments: ['--expose-gc'] }
  const server = startChild(context, 'fanout/server.ts', options)
  const load = startChild(context, 'fanout/load.ts', { core: loadCore })
  const url = await server.call<string>('listen', kind, 1, connections, redis.url)
  return { server, connect: count => load.call('connect', kind, url, count) }
}

/**
 * The first third is not counted: with it comes what every process needs once, such as room for its garbage. After it everything is
 * collected; then nothing is by us until the process has been read as it stands, a while after the last connection.
 */
async function bytesPerConnection(
  context: BenchmarkContext,
  connections: number,
  start: (context: BenchmarkContext) => Promise<Side>,
): Promise<Bytes> {
  const undo = new AsyncDisposableStack()
  try {
    const { server, connect } = await start({ ...context, undo })
    await connect(connections / 2)
    const liveBefore = await server.call<number>('liveBytes')
    const before = await server.call<number>('collectedBytes')
    await connect(connections)
    await sleep(context.short ? 5_000 : 20_000)
    const resident = await server.call<number>('residentBytes')
    const collected = await server.call<number>('collectedBytes')
    const live = await server.call<number>('liveBytes')
    const each = (bytes: number) => bytes / connections
    return {
      collected: each(collected - before),
      resident: each(resident - before),
      live: each(live - liveBefore),
    }
  } finally {
    await undo.disposeAsync()
  }
}
