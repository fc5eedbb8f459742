import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Violation } from '../../loadtest/simulation/checker.ts'
import { simulate } from '../../loadtest/simulation/run.ts'
import { type Change, changedProgram } from '../support/changedProgram.ts'
import { clusterPossible } from '../support/cluster.ts'
import { createTestDatabase, type TestDatabase } from '../support/databases.ts'
import { type LocalRedis, startLocalRedis } from '../support/services/redis.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

/** So long a commit is held back: an entry that is told of too early is then surely one that a killed node loses. */
const hold = 'await new Promise(resolve => setTimeout(resolve, 100))'

interface Planted {
  readonly bug: string
  readonly changes: readonly Change[]
  /** The kinds of violation of which at least one has to be found. */
  readonly found: readonly Violation['kind'][]
  readonly settleMs: number
}

const planted: readonly Planted[] = [
  {
    bug: 'an acknowledgement before the commit',
    changes: [
      {
        file: 'src/chat/log.ts',
        from: '        for (const [waiting, outcome] of await store(tx, tenantId, group)) outcomes.set(waiting, outcome)\n',
        to: `        for (const [waiting, outcome] of await store(tx, tenantId, group)) {
          outcomes.set(waiting, outcome)
          if (!(outcome instanceof ParleyError)) waiting.resolve(outcome)
        }
        ${hold}\n`,
      },
    ],
    // Its sender does not ask again, and what takes its place is somebody else's.
    found: ['lost', 'wrong_ack'],
    settleMs: 3_000,
  },
  {
    bug: 'a publication before the commit',
    changes: [
      {
        file: 'src/db/database.ts',
        from: '            events.push(event)\n',
        to: `            announce(scope, [event])\n            ${hold}\n`,
      },
    ],
    found: ['diverged'],
    settleMs: 3_000,
  },
  {
    bug: 'a repeat that is not recognised',
    changes: [
      {
        file: 'src/chat/logStore.ts',
        from: 'and (sender_id, client_id) >= (d."senderId"',
        to: 'and false and (sender_id, client_id) >= (d."senderId"',
      },
    ],
    found: ['duplicated'],
    settleMs: 3_000,
  },
  {
    bug: 'a hole in the positions',
    changes: [
      {
        file: 'src/chat/logStore.ts',
        from: '        c.seq + row_number() over w as seq,\n',
        to: '        c.seq + row_number() over w + (c.seq % 10 = 9)::int as seq,\n',
      },
    ],
    found: ['hole'],
    settleMs: 1_000,
  },
  {
    bug: 'a note that visitors are sent',
    changes: [
      {
        file: 'src/chat/views.ts',
        from: "  return typeof publicSeq === 'number' ? { ...rest, seq: publicSeq } : undefined\n",
        to: '  return { ...rest, seq: publicSeq ?? entry.seq }\n',
      },
    ],
    found: ['leaked_note'],
    settleMs: 500,
  },
]

describe.skipIf(!clusterPossible)('a bug that is planted in the program is found by the simulation', () => {
  let redis: LocalRedis
  let database: TestDatabase | undefined

  beforeAll(async () => {
    redis = await startLocalRedis(process.env)
  })
  afterAll(() => redis?.stop())

  test.each(planted)('L1 L2 L4: $bug', async ({ changes, found, settleMs }) => {
    const program = changedProgram(changes)
    database = await createTestDatabase('PostgreSQL')
    try {
      // Of two rows with one name the database itself allows only one; without that, it is the program's to hold this.
      if (found.includes('duplicated'))
        await database.owner.query('alter table messages drop constraint messages_client')
      const { violations } = await simulate({
        ...{ seed: 4, durationMs: 3_500, settleMs, nodes: 1, visitors: 2, members: 1, messagesPerSecond: 60 },
        ground: { databaseUrl: (database.connection as { url: string }).url, redisUrl: redis.url },
        faultEveryMs: { kill: 1_000, reload: 700, cut: 1_000 },
        root: program.root,
      })
      const kinds = new Set(violations.map(({ kind }) => kind))
      expect(
        found.filter(kind => kinds.has(kind)),
        [...kinds].join(', '),
      ).not.toEqual([])
    } finally {
      await database.drop()
      program.remove()
    }
  })
})
