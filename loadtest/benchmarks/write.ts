import type { Benchmark, BenchmarkContext, Metrics, Outcome } from '../harness/benchmark.ts'
import { type Child, loadCore, serverCore, startChild } from '../harness/children.ts'
import { temporaryDatabase } from '../harness/database.ts'
import { newVisitor, newWorkspace, type Program, startProgram } from '../harness/program.ts'
import { interleave, medians, type Side } from '../harness/rounds.ts'
import {
  countEntries,
  forgetEntries,
  pgbenchScript,
  prepareBatches,
  prepareTenants,
} from '../write/batches.ts'
import type { Conversation, LoadFigures, Plan } from '../write/load.ts'
import { pgbench } from '../write/pgbench.ts'

const tenants = 4
const conversationsPerTenant = 150
const membersPerTenant = 30
const everyone = tenants * conversationsPerTenant
/** Conversations at work in each tenant where only the database is measured. */
const conversationsOfLog = 120
/** Batches made for pgbench, each for one client and one round. */
const batchesPerSecond = 120
/** Messages that the one visitor of the hot conversation keeps unacknowledged. */
const hotInFlight = 100

export const write: Benchmark = {
  name: 'write',
  summary: `durable sends of ${tenants * conversationsPerTenant} visitors, each delivered to three sockets, against Socket.IO that only echoes`,
  targets: [
    { key: 'ratio_socketio', comparison: '>=', value: 0.5 },
    { key: 'ratio_pgbench', comparison: '>=', value: 0.8 },
    { key: 'ack_p99_ms', comparison: '<=', value: 15 },
  ],
  run,
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const database = await temporaryDatabase(context)
  const program = await startProgram(context, database)
  context.progress('preparing workspaces, visitors and members')
  const people = await prepare(program, database)
  const parley = startChild(context, 'write/load.ts', { core: loadCore })
  await parley.call('connect', { ...people, url: program.url, side: 'parley' } satisfies Plan)

  const echo = startChild(context, 'write/socketio.ts', { core: serverCore })
  const socketio = startChild(context, 'write/load.ts', { core: loadCore })
  const url = await echo.call<string>('listen')
  await socketio.call('connect', { ...people, url, side: 'socketio' } satisfies Plan)

  const floor = await startFloor(context, people)

  let saturation = Number.NaN
  const closed =
    (load: Child, cpu: () => number, inFlight: number, speakers: number) =>
    async (ms: number): Promise<Figures> => {
      const before = cpu()
      const figures = await load.call<LoadFigures>('closedLoop', ms, inFlight, speakers)
      return { ...figures, perCpuSecond: figures.sends / (cpu() - before) }
    }
  const all = closed(parley, program.cpu, 1, everyone)
  const sides = [
    { name: 'socketio', run: closed(socketio, echo.cpu, 1, everyone) },
    {
      name: 'parley',
      run: async (ms: number) => {
        const figures = await all(ms)
        saturation = figures.sends / figures.seconds
        return figures
      },
    },
    { name: 'hot', run: closed(parley, program.cpu, hotInFlight, 1) },
    {
      name: 'half',
      run: async (ms: number) => {
        const before = program.cpu()
        const figures = await parley.call<LoadFigures>('openLoop', ms, saturation / 2)
        return { ...figures, perCpuSecond: figures.sends / (program.cpu() - before) }
      },
    },
    // Beside 'half', at the same rate: what the machine and the database leave of the time is the same for both.
    { name: 'floor', run: (ms: number) => floor(ms, saturation / 2) },
  ] as const satisfies readonly Side<Figures>[]
  // 'half' needs a saturation to halve, which the warm-up gives it.
  const settings = {
    rounds: 5,
    warmUpMs: context.short ? 1_500 : 4_000,
    durationMs: context.short ? 1_500 : 4_000,
    progress: context.progress,
  }
  const measured = await interleave(sides, settings)
  const ofDatabase = await interleave(await databaseSides(context, settings.durationMs), settings)
  const rounds = measured.map((figures, at) => {
    const { log, pgbench } = ofDatabase[at] ?? {}
    return { ...figuresOf(figures), ...(log && pgbench ? figuresOfDatabase(log, pgbench) : {}) }
  })
  return { metrics: medians(rounds), rounds, versions: { postgres: database.serverVersion } }
}

interface Figures extends LoadFigures {
  readonly perCpuSecond: number
  /** Of the groups that the floor wrote. */
  readonly groupSize?: number
}

type Measured = Record<'socketio' | 'parley' | 'hot' | 'half' | 'floor', Figures>

/** Bare Socket.IO that stores before it acknowledges, on the core of the server and a database of its own, under the same load. */
async function startFloor(context: BenchmarkContext, people: Pick<Plan, 'conversations' | 'members'>) {
  const database = await temporaryDatabase(context)
  if (!('url' in database.connection)) throw new Error('the floor takes the database by address')
  const work = await prepareTenants(database, tenants, conversationsPerTenant)
  const server = startChild(context, 'write/floor.ts', { core: serverCore })
  const load = startChild(context, 'write/load.ts', { core: loadCore })
  const url = await server.call<string>('listen', database.connection.url, tenants, work)
  await load.call('connect', { ...people, url, side: 'socketio' } satisfies Plan)
  return async (ms: number, perSecond: number): Promise<Figures> => {
    const before = server.cpu()
    const figures = await load.call<LoadFigures>('openLoop', ms, perSecond)
    const perCpuSecond = figures.sends / (server.cpu() - before)
    return { ...figures, perCpuSecond, groupSize: await server.call<number>('groupSize') }
  }
}

const figuresOf = ({ socketio, parley, hot, half, floor }: Measured): Metrics => ({
  ratio_socketio: parley.perCpuSecond / socketio.perCpuSecond,
  ack_p99_ms: half.p99Ms,
  ack_p50_ms: half.p50Ms,
  floor_p99_ms: floor.p99Ms,
  floor_p50_ms: floor.p50Ms,
  ack_p99_ratio: half.p99Ms / floor.p99Ms,
  ack_p50_ratio: half.p50Ms / floor.p50Ms,
  floor_group_size: floor.groupSize ?? Number.NaN,
  half_sends_per_cpu_s: half.perCpuSecond,
  floor_sends_per_cpu_s: floor.perCpuSecond,
  half_sends_per_s: half.sends / half.seconds,
  sends_per_cpu_s: parley.perCpuSecond,
  sends_per_s: parley.sends / parley.seconds,
  saturated_p99_ms: parley.p99Ms,
  hot_sends_per_s: hot.sends / hot.seconds,
  hot_sends_per_cpu_s: hot.perCpuSecond,
  socketio_sends_per_cpu_s: socketio.perCpuSecond,
  socketio_sends_per_s: socketio.sends / socketio.seconds,
})

interface LogFigures {
  readonly perSecond: number
  /** Of the groups it was written in. */
  readonly sizes: readonly number[]
}

const figuresOfDatabase = (log: LogFigures, reference: LogFigures): Metrics => ({
  ratio_pgbench: log.perSecond / reference.perSecond,
  log_entries_per_s: log.perSecond,
  pgbench_entries_per_s: reference.perSecond,
  log_group_size: log.sizes.reduce((sum, size) => sum + size, 0) / log.sizes.length,
})

/** The log without sockets, and pgbench with the same statements, batches and connections, each on the core of the server. */
async function databaseSides(context: BenchmarkContext, durationMs: number) {
  const database = await temporaryDatabase(context)
  if (!('url' in database.connection)) throw new Error('pgbench takes the database by address')
  const { url } = database.connection
  const work = await prepareTenants(database, tenants, conversationsOfLog)
  const log = startChild(context, 'write/log.ts', { core: serverCore })
  await log.call('open', url, tenants)
  // pgbench is given the groups that the log makes of this load by itself.
  const { sizes } = await log.call<LogFigures>('run', durationMs, work)
  const each = Math.ceil((durationMs / 1_000) * batchesPerSecond)
  context.progress(`preparing ${each} batches for each of ${tenants} clients of pgbench`)
  await prepareBatches(database, work, sizes, each)
  return [
    {
      name: 'log',
      run: async (ms: number) => {
        await forgetEntries(database)
        return log.call<LogFigures>('run', ms, work)
      },
    },
    {
      name: 'pgbench',
      run: async (ms: number) => {
        await forgetEntries(database)
        const seconds = Math.max(1, Math.round(ms / 1_000))
        const figures = await pgbench(url, pgbenchScript, { clients: tenants, seconds, from: 0 })
        return { perSecond: (await countEntries(database)) / figures.seconds, sizes }
      },
    },
  ] as const
}

async function prepare(
  program: Program,
  database: Parameters<typeof newWorkspace>[1],
): Promise<Pick<Plan, 'conversations' | 'members'>> {
  const conversations: Conversation[] = []
  const members: string[][] = []
  for (let tenant = 0; tenant < tenants; tenant++) {
    const workspace = await newWorkspace(program, database, membersPerTenant)
    members.push(workspace.members.map(({ token }) => token))
    for (let at = 0; at < conversationsPerTenant; at++) {
      const { token } = await newVisitor(program, workspace.widgetKey)
      conversations.push({ tenant, visitor: { token, widget: workspace.widgetKey } })
    }
  }
  return { conversations, members }
}
