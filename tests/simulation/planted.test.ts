import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { assertSettled, type Outcome, simulate } from '../../loadtest/simulation/run.ts'
import type { Violation } from '../../loadtest/simulation/violations.ts'
import { type Change, changedProgram } from '../support/changedProgram.ts'
import { clusterPossible } from '../support/cluster.ts'
import { createTestDatabase } from '../support/databases.ts'
import { type LocalRedis, startLocalRedis } from '../support/services/redis.ts'

vi.setConfig({ testTimeout: 420_000, hookTimeout: 60_000 })

/** So long a commit is held back: an entry that is told of too early is then surely one that a killed node loses. */
const hold = 'await new Promise(resolve => setTimeout(resolve, 100))'

/** The log as it is, but its last statement does not bring the commit along: what is done after it is done before the commit. */
const commitsApart = (afterwards: string): Change => ({
  file: 'src/chat/log.ts',
  from: `        const stored = await storeGroup(tx, tenantId, group, { last: true })
        for (const [waiting, outcome] of stored) outcomes.set(waiting, outcome)
`,
  to: `        const stored = await storeGroup(tx, tenantId, group, { last: false })
        for (const [waiting, outcome] of stored) outcomes.set(waiting, outcome)
        ${afterwards}
`,
})

const whenEmitted = (afterwards: string): Change => ({
  file: 'src/db/database.ts',
  from: '            events.push(event)\n',
  to: `            events.push(event)\n            ${afterwards}\n`,
})

interface Planted {
  readonly bug: string
  readonly changes: readonly Change[]
  /** The kinds of violation of which at least one has to be found: those that this bug makes, and a slow machine does not. */
  readonly found: readonly Violation['kind'][]
  /** How long everybody may take to have everything; with some of them nobody ever has. */
  readonly settleMs: number
}

const patience = 60_000

const planted: readonly Planted[] = [
  {
    bug: 'an acknowledgement before the commit',
    changes: [
      commitsApart(`for (const [waiting, outcome] of stored) if (!(outcome instanceof ParleyError)) waiting.resolve(outcome)
        ${hold}`),
    ],
    // Its sender does not ask again, or asks for the entry that it misses and is given another one.
    found: ['lost', 'wrong_ack'],
    settleMs: patience,
  },
  {
    bug: 'a publication before the commit',
    changes: [commitsApart(''), whenEmitted(`announce(scope, [event], after, log)\n            ${hold}`)],
    found: ['unfounded'],
    settleMs: patience,
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
    settleMs: patience,
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
    settleMs: 1_000,
  },
]

/** Each bug that takes its time has a twin that takes as much and does nothing wrong; the others have the program as it is. */
const controls: readonly { readonly program: string; readonly changes: readonly Change[] }[] = [
  { program: 'that holds back its commits', changes: [commitsApart(hold)] },
  { program: 'that holds back what it publishes', changes: [commitsApart(''), whenEmitted(hold)] },
  { program: 'as it is', changes: [] },
]

describe.skipIf(!clusterPossible)('the simulation', () => {
  let redis: LocalRedis

  beforeAll(async () => {
    redis = await startLocalRedis(process.env)
  })
  afterAll(() => redis?.stop())

  async function run(changes: readonly Change[], seed: number, settleMs: number): Promise<Outcome> {
    const program = changedProgram(changes)
    const database = await createTestDatabase('PostgreSQL')
    try {
      // Of two rows with one name the database itself allows only one; without that, it is the program's to hold this.
      await database.owner.query('alter table messages drop constraint messages_client')
      await database.owner.query(
        'create index messages_client on messages (tenant_id, conversation_id, sender_id, client_id)',
      )
      return await simulate({
        ...{ seed, durationMs: 3_500, settleMs, nodes: 1, visitors: 2, members: 1, messagesPerSecond: 60 },
        ground: { databaseUrl: (database.connection as { url: string }).url, redisUrl: redis.url },
        faultEveryMs: { kill: 1_000, reload: 700, cut: 1_000 },
        root: program.root,
      })
    } finally {
      await database.drop()
      program.remove()
    }
  }

  test.each(planted)('L1 L2 L4: finds $bug', async ({ changes, found, settleMs }) => {
    const kinds = new Set<Violation['kind']>()
    // What is lost with a killed node is a matter of the moment; three runs kill a dozen times.
    for (const seed of [4, 5, 6]) {
      const outcome = await run(changes, seed, settleMs)
      for (const { kind } of outcome.violations) kinds.add(kind)
      if (found.some(kind => kinds.has(kind))) return
      assertSettled(outcome)
    }
    expect(found, `found: ${[...kinds].join(', ')}`).toEqual([])
  })

  test.each(controls)('L1 L2 L4: finds nothing in a program $program', async ({ changes }) => {
    const outcome = await run(changes, 4, patience)
    expect(outcome.violations.map(({ kind, words }) => `${kind}: ${words}`)).toEqual([])
    assertSettled(outcome)
    expect(outcome.faults.kill ?? 0).toBeGreaterThan(0)
  })
})
