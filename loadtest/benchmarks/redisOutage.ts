import { setTimeout as sleep } from 'node:timers/promises'
import type { Benchmark, BenchmarkContext, Outcome } from '../harness/benchmark.ts'
import { type Child, loadCore, serverCore, startChild } from '../harness/children.ts'
import { temporaryDatabase } from '../harness/database.ts'
import { newVisitor, newWorkspace, startProgram } from '../harness/program.ts'
import { type OwnRedis, ownRedis } from '../harness/redis.ts'
import { medians } from '../harness/rounds.ts'
import type { Plan, Spoken } from '../outage/load.ts'

const conversations = 40
const perSecond = 200
/** For connections that were lost to come back, and for what was queued to leave. */
const settleMs = 4_000

export const redisOutage: Benchmark = {
  name: 'redis-outage',
  summary: `delivery on the same node while Redis is away, against just before and after; then how long the other node needs to catch up, of all rounds the longest`,
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
  const rounds = context.short ? 5 : 3
  const next = {
    parley: await outages(sides.parley, context.short ? 5_000 : 60_000),
    // For comparison only: that it falls silent shows within seconds.
    stock: await outages(sides.stock, 5_000),
  }
  const parley: Round[] = []
  const stock: Round[] = []
  while (parley.length < rounds) {
    context.progress(`outage ${parley.length + 1} of ${rounds}`)
    parley.push(await next.parley())
    stock.push(await next.stock())
  }
  if (parley.some(({ during, missing }) => during.missing + missing > 0))
    throw new Error('entries did not arrive')
  const figures = parley.map((round, at) => ({
    ...figuresOf(round),
    ...Object.fromEntries(
      Object.entries(figuresOf(stock[at] as Round)).map(([key, value]) => [`stock_${key}`, value]),
    ),
  }))
  const versions = { postgres: database.serverVersion, redis: sides.parley.redis.version }
  // Of so few outages the one that took longest to mend counts; how late what is said arrives swings with the disk's hour instead.
  const worst = {
    p99_ratio_worst: Math.max(...figures.map(round => round.p99_ratio)),
    converge_s: Math.max(...figures.map(round => round.converge_s)),
  }
  return { metrics: { ...medians(figures), ...worst }, rounds: figures, versions }
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

interface Round {
  readonly before: Spoken
  readonly during: Spoken
  readonly after: Spoken
  readonly seconds: number
  readonly missing: number
}

/**
 * Windows of one length in turn: all is well, Redis is away, all is well … An outage begins while people speak. What is returned makes
 * the next one; the window after an outage is the one before the next.
 */
async function outages({ redis, load }: SideOfOutage, windowMs: number): Promise<() => Promise<Round>> {
  const speak = () => load.call<Spoken>('speak', windowMs, perSecond)
  let before = await speak()
  return async () => {
    const [during] = await Promise.all([speak(), redis.stop()])
    await redis.startAgain()
    const converged = await load.call<{ seconds: number; missing: number }>('converge', 10_000)
    await sleep(settleMs)
    const round = { before, during, after: await speak(), ...converged }
    before = round.after
    return round
  }
}

function figuresOf({ before, during, after, seconds, missing }: Round) {
  const [healthy, outage] = [sorted(before, after), sorted(during)]
  return {
    p99_ratio: p(99, outage) / p(99, healthy),
    p50_ratio: p(50, outage) / p(50, healthy),
    // What the machine alone makes of such a ratio: nothing but time lies between these two.
    p99_drift: p(99, sorted(after)) / p(99, sorted(before)),
    healthy_p99_ms: p(99, healthy),
    outage_p99_ms: p(99, outage),
    messages: outage.length,
    converge_s: seconds,
    missing_elsewhere: missing,
  }
}

const sorted = (...windows: readonly Spoken[]): readonly number[] =>
  windows.flatMap(window => window.latenciesMs).sort((one, other) => one - other)

const p = (percent: number, latencies: readonly number[]): number =>
  latencies[Math.floor((percent / 100) * (latencies.length - 1))] ?? Number.NaN
