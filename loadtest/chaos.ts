/**
 * `npm run chaos -- [--minutes N] [--seed N] [--json]`
 *
 * Lets a crowd of clients talk over real gateways while connections, nodes, Redis and PostgreSQL are broken at random, and proves
 * afterwards that every promise of the log was kept. With --json the last line on standard output is one JSON object; what happens on the
 * way goes to standard error. Exit code: 0 all promises were kept, 1 one was broken, 2 wrong usage.
 */
import { parseArgs } from 'node:util'
import { startLocalPostgres } from '../tests/support/services/postgres-local.ts'
import { startLocalRedis } from '../tests/support/services/redis.ts'
import { chosenSeed } from './simulation/random.ts'
import { type Outcome, simulate } from './simulation/run.ts'
import { type Violation, violationKinds } from './simulation/violations.ts'

const usage = 'npm run chaos -- [--minutes N] [--seed N] [--json]'

class WrongUsage extends Error {}

function readArguments() {
  const text = { type: 'string' } as const
  try {
    const { values } = parseArgs({
      options: { minutes: { ...text, default: '10' }, seed: text, json: { type: 'boolean', default: false } },
    })
    const minutes = Number(values.minutes)
    const seed = chosenSeed(values.seed ?? process.env.SIMULATION_SEED)
    if (!(minutes > 0) || !Number.isSafeInteger(seed)) throw new Error('--minutes and --seed take numbers')
    return { minutes, seed, json: values.json }
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error))
  }
}

async function run(minutes: number, seed: number): Promise<Outcome> {
  const undo = new AsyncDisposableStack()
  try {
    const database = await startLocalPostgres(process.env, { keepsCommits: true })
    undo.defer(() => database.stop())
    const redis = await startLocalRedis(process.env)
    undo.defer(() => redis.stop())
    return await simulate({
      seed,
      durationMs: minutes * 60_000,
      ground: { databaseUrl: database.url, redisUrl: redis.url, redis, crashDatabase: database.crash },
      ...{ nodes: 3, visitors: 5, members: 3, messagesPerSecond: 30, settleMs: 120_000 },
      faultEveryMs: {
        ...{ cut: 1_500, freeze: 5_000, reload: 8_000, kill: 12_000 },
        ...{ 'redis down': 20_000, 'redis hangs': 30_000, 'database crash': 25_000 },
      },
      progress: line => console.error(line),
    })
  } finally {
    await undo.disposeAsync()
  }
}

function summarise({ faults, history, violations, unsettled, settledAfterMs }: Outcome) {
  const count = (...kinds: Violation['kind'][]) =>
    violations.filter(({ kind }) => kinds.includes(kind)).length
  return {
    faults: Object.values(faults).reduce((sum, one) => sum + one, 0),
    acked: new Set(history.acked.map(({ id }) => id)).size,
    lost: count('lost', 'forgotten', 'unfounded'),
    duplicated: count('duplicated'),
    reordered: count('reordered'),
    leaked_notes: count('leaked_note'),
    // Each of these breaks a promise as well.
    ...Object.fromEntries(
      (['hole', 'wrong_ack', 'diverged', 'refused'] as const).map(kind => [kind, count(kind)]),
    ),
    // Not everybody had everything when patience ended: no promise is known to be kept.
    unsettled: unsettled === undefined ? 0 : 1,
    faults_by_kind: faults,
    settled_after_ms: settledAfterMs,
  }
}

async function main(): Promise<number> {
  const { minutes, seed, json } = readArguments()
  console.error(`seed ${seed}, ${minutes} minutes`)
  const outcome = await run(minutes, seed)
  for (const { kind, words } of outcome.violations.slice(0, 50)) console.error(`${kind}: ${words}`)
  if (outcome.unsettled !== undefined) console.error(`unsettled: ${outcome.unsettled}`)
  const summary = { ...summarise(outcome), minutes, seed }
  console.log(json ? JSON.stringify(summary) : summary)
  const broken = violationKinds.some(kind => outcome.violations.some(violation => violation.kind === kind))
  return broken || outcome.unsettled !== undefined ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof WrongUsage)) throw error
  console.error(`${error.message}\n\n${usage}`)
  process.exitCode = 2
}
