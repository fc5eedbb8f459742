import { setTimeout as sleep } from 'node:timers/promises'
import type { Benchmark, BenchmarkContext, Outcome } from '../harness/benchmark.ts'
import { type Child, loadCore, serverCore, startChild } from '../harness/children.ts'
import { temporaryDatabase } from '../harness/database.ts'
import { newVisitor, newWorkspace, startProgram } from '../harness/program.ts'
import { type OwnRedis, ownRedis } from '../harness/redis.ts'
import { medians } from '../harness/rounds.ts'
import type { OutageFigures, Plan } from '../outage/load.ts'

const conversations = 40
const perSecond = 200
const rounds = 5
/** For connections that were lost to come back, and for what was queued to leave. */
const settleMs = 4_000

export const redisOutage: Benchmark = {
  name: 'redis-outage',
  summary: `delivery on the same node while Redis is away, against just before; then how long the other node needs to catch up`,
  targets: [
    { key: 'p99_ratio', comparison: '<=', value: 1.2 },
    { key: 'converge_s', comparison: '<=', value: 2 },
  ],
  run,
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const database = await temporaryDatabase(context)
  const sides = {
    parley: await parleySide(context, database),
    stock: await stockSide(context),
  }
  // A minute in one of the rounds is as good as a minute in each.
  const outageMs = (round: number) => (context.short ? 5_000 : round === 0 ? 60_000 : 15_000)
  const figures = []
  for (let round = 0; round < rounds; round++) {
    context.progress(`round ${round + 1} of ${rounds}`)
    const order = round % 2 === 0 ? (['parley', 'stock'] as const) : (['stock', 'parley'] as const)
    const measured: Partial<Record<keyof typeof sides, Awaited<ReturnType<typeof outage>>>> = {}
    for (const name of order) measured[name] = await outage(sides[name], outageMs(round))
    const { parley, stock } = measured
    if (!parley || !stock) throw new Error('a side was not measured')
    if (parley.during.missing + parley.missing > 0) throw new Error('entries did not arrive')
    figures.push({
      p99_ratio: parley.during.p99Ms / parley.before.p99Ms,
      p50_ratio: parley.during.p50Ms / parley.before.p50Ms,
      converge_s: parley.seconds,
      healthy_p99_ms: parley.before.p99Ms,
      outage_p99_ms: parley.during.p99Ms,
      stock_p99_ratio: stock.during.p99Ms / stock.before.p99Ms,
      stock_outage_p99_ms: stock.during.p99Ms,
      stock_converge_s: stock.seconds,
      stock_missing_elsewhere: stock.missing,
    })
  }
  const versions = { postgres: database.serverVersion, redis: sides.parley.redis.version }
  return { metrics: medians(figures), rounds: figures, versions }
}

interface SideOfOutage {
  readonly redis: OwnRedis
  readonly load: Child
}

async function parleySide(
  context: BenchmarkContext,
  database: Awaited<ReturnType<typeof temporaryDatabase>>,
): Promise<SideOfOutage> {
  const redis = await ownRedis(context)
  const here = await startProgram(context, database, { REDIS_URL: redis.url })
  const there = await startProgram(context, database, { REDIS_URL: redis.url })
  const { widgetKey: widget } = await newWorkspace(here, database, 0)
  const visitors = []
  for (let at = 0; at < conversations; at++) visitors.push({ ...(await newVisitor(here, widget)), widget })
  const plan = { side: 'parley', here: here.url, there: there.url, visitors } as const
  return { redis, load: await loaded(context, plan) }
}

async function stockSide(context: BenchmarkContext): Promise<SideOfOutage> {
  const redis = await ownRedis(context)
  const node = () => startChild(context, 'outage/socketio.ts', { core: serverCore })
  const here = await node().call<string>('listen', redis.url)
  const there = await node().call<string>('listen', redis.url)
  const visitors = Array.from({ length: conversations }, () => ({ token: '', widget: '' }))
  return { redis, load: await loaded(context, { side: 'stock', here, there, visitors }) }
}

async function loaded(context: BenchmarkContext, plan: Plan): Promise<Child> {
  const load = startChild(context, 'outage/load.ts', { core: loadCore })
  await load.call('connect', plan)
  // So that the first round does not pay for what is compiled.
  await load.call('speak', 3_000, perSecond)
  return load
}

async function outage({ redis, load }: SideOfOutage, outageMs: number) {
  const before = await load.call<OutageFigures>('speak', Math.min(outageMs, 15_000), perSecond)
  await redis.stop()
  const during = await load.call<OutageFigures>('speak', outageMs, perSecond)
  await redis.startAgain()
  const { seconds, missing } = await load.call<{ seconds: number; missing: number }>('converge', 10_000)
  await sleep(settleMs)
  return { before, during, seconds, missing }
}
