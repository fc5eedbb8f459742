import type { Benchmark, BenchmarkContext, Outcome } from '../harness/benchmark.ts'
import { loadCore, serverCore, startChild } from '../harness/children.ts'
import { temporaryDatabase } from '../harness/database.ts'
import { newVisitor, newWorkspace, startProgram } from '../harness/program.ts'
import { medians } from '../harness/rounds.ts'
import type { JitterFigures, Plan } from '../jitter/load.ts'

const conversations = 50
/** One of them speaks. */
const clientsEach = 20
const rounds = 3

export const jitter: Benchmark = {
  name: 'jitter',
  summary: `${conversations * clientsEach} clients of src/client, those who speak among them, that lose their network about every 15 s for 2 s; the least delivered and the slowest replay of all rounds`,
  targets: [
    { key: 'delivered_pct', comparison: '>=', value: 100 },
    { key: 'replay_p99_ms', comparison: '<=', value: 1_000 },
  ],
  run,
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const database = await temporaryDatabase(context)
  const program = await startProgram(context, database)
  const { widgetKey } = await newWorkspace(program, database, 0)
  const visitors = await Promise.all(
    Array.from({ length: conversations }, async () => ({
      ...(await newVisitor(program, widgetKey)),
      widget: widgetKey,
    })),
  )
  const stock = async (recovery: boolean) =>
    startChild(context, 'jitter/socketio.ts', { core: serverCore }).call<string>('listen', recovery)
  const urls = { parley: program.url, stock: await stock(false), recovery: await stock(true) }
  const sides = await Promise.all(
    (['parley', 'stock', 'recovery'] as const).map(async side => {
      const load = startChild(context, 'jitter/load.ts', { core: loadCore })
      await load.call('connect', { url: urls[side], side, visitors, clientsEach } satisfies Plan)
      return { side, load }
    }),
  )
  const measured: Record<Plan['side'], JitterFigures>[] = []
  for (let round = 0; round < rounds; round++) {
    const figures: Partial<Record<Plan['side'], JitterFigures>> = {}
    for (const { side, load } of round % 2 === 0 ? sides : sides.toReversed()) {
      context.progress(`round ${round + 1} of ${rounds}: ${side}`)
      figures[side] = await load.call<JitterFigures>('run', context.short ? 15_000 : 45_000)
    }
    measured.push(figures as Record<Plan['side'], JitterFigures>)
  }
  const figures = measured.map(({ parley, stock: plain, recovery }) => ({
    delivered_pct: percent(parley),
    replay_p99_ms: parley.replayP99Ms,
    back_p99_ms: parley.backP99Ms,
    missing: parley.missing,
    repeated: parley.repeated,
    reconnects: parley.reconnects,
    deliveries: parley.expected,
    stock_delivered_pct: percent(plain),
    recovery_delivered_pct: percent(recovery),
    recovery_replay_p99_ms: recovery.replayP99Ms,
    recovery_back_p99_ms: recovery.backP99Ms,
  }))
  const worst = {
    // A median would hide the one message that was lost.
    delivered_pct: Math.min(...figures.map(round => round.delivered_pct)),
    replay_p99_ms: Math.max(...figures.map(round => round.replay_p99_ms)),
    missing: Math.max(...figures.map(round => round.missing)),
    repeated: Math.max(...figures.map(round => round.repeated)),
  }
  return {
    metrics: { ...medians(figures), ...worst },
    rounds: figures,
    versions: { postgres: database.serverVersion },
  }
}

/** What one client has twice counts against it as what it has not, and never makes up for that. */
const percent = ({ expected, missing, repeated }: JitterFigures): number =>
  (100 * (expected - missing - repeated)) / expected
