import { expect, inject, test } from 'vitest'
import { chosenSeed } from '../../loadtest/simulation/random.ts'
import { assertSettled, simulate } from '../../loadtest/simulation/run.ts'
import { createTestDatabase } from '../support/databases.ts'
import { startLocalPostgres } from '../support/services/postgres-local.ts'
import { startLocalRedis } from '../support/services/redis.ts'

const { postgres, redis } = inject('services')

/** A PostgreSQL of our own can be crashed; where none can be started, the run has that fault less, and says so. */
async function someDatabase() {
  try {
    const server = await startLocalPostgres(process.env, { keepsCommits: true })
    return { url: server.url, crash: server.crash, stop: server.stop }
  } catch (error) {
    console.warn('the simulation cannot crash PostgreSQL here:', error)
    const database = await createTestDatabase('PostgreSQL')
    return { url: (database.connection as { url: string }).url, crash: undefined, stop: database.drop }
  }
}

test.skipIf(!postgres || !redis)(
  'L1 L2 L4 L5: whatever breaks, nothing acknowledged is lost, doubled, reordered, and everybody ends with the same log',
  async () => {
    const seed = chosenSeed(process.env.SIMULATION_SEED)
    console.log(`SIMULATION_SEED=${seed}`)
    const [database, bus] = await Promise.all([someDatabase(), startLocalRedis(process.env)])
    try {
      const crash = database.crash ? { crashDatabase: database.crash } : {}
      const outcome = await simulate({
        seed,
        durationMs: 14_000,
        ground: { databaseUrl: database.url, redisUrl: bus.url, redis: bus, ...crash },
        faultEveryMs: {
          ...{ cut: 1_000, freeze: 2_500, reload: 3_000, kill: 6_000 },
          ...{ 'redis down': 7_000, 'redis hangs': 9_000 },
          ...(database.crash ? { 'database crash': 7_000 } : {}),
        },
      })
      const { violations, faults, history, settledAfterMs } = outcome
      console.log(
        `${history.acked.length} acknowledgements, ${JSON.stringify(faults)}, level after ${settledAfterMs} ms`,
      )
      expect(violations.map(({ kind, words }) => `${kind}: ${words}`)).toEqual([])
      assertSettled(outcome)
      // A run in which hardly anything happened would prove nothing.
      expect(history.acked.length).toBeGreaterThan(150)
      const ofRedis = (faults['redis down'] ?? 0) + (faults['redis hangs'] ?? 0)
      expect(Math.min(faults.cut ?? 0, faults.kill ?? 0, ofRedis)).toBeGreaterThan(0)
    } finally {
      await bus.stop()
      await database.stop()
    }
  },
  240_000,
)
