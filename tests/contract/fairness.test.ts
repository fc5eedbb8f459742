import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fairShares } from '../../src/db/fairness.ts'
import type { Transaction } from '../../src/db/index.ts'
import { newId, pause } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type OpenDatabase, openDatabase, scopeOf } from '../support/isolation.ts'

describe('a share of the connections', () => {
  const tenantId = newId()
  /** Work that is over when it is told so. */
  function stalled(inTurn: ReturnType<typeof fairShares>, begun: string[]) {
    const ends = new Map<string, () => void>()
    const start = (name: string, first = false, of = tenantId) =>
      inTurn(
        of,
        () => {
          begun.push(name)
          return new Promise<void>(resolve => ends.set(name, resolve))
        },
        { first },
      )
    return { start, end: (name: string) => ends.get(name)?.() }
  }

  test('L3: what is beyond all but one waits in its order, what goes first goes first, and nobody else waits', async () => {
    const begun: string[] = []
    const { start, end } = stalled(fairShares(3, 60_000), begun)
    const all = ['a', 'b', 'c', 'd'].map(name => start(name))
    all.push(start('log', true), start('elsewhere', false, newId()))
    expect(begun).toEqual(['a', 'b', 'elsewhere'])
    for (const name of ['a', 'b', 'log', 'c', 'd', 'elsewhere']) {
      end(name)
      await pause(1)
    }
    await Promise.all(all)
    expect(begun).toEqual(['a', 'b', 'elsewhere', 'log', 'c', 'd'])
  })

  test('what fails gives its place back, and so does what has waited for too long', async () => {
    const begun: string[] = []
    const inTurn = fairShares(3, 50)
    const { start, end } = stalled(inTurn, begun)
    const held = [start('a'), start('b')]
    await expect(start('impatient')).rejects.toMatchObject({ code: 'unavailable', retryAfter: 1 })
    end('a')
    await held[0]
    await expect(inTurn(tenantId, () => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    const next = start('c')
    expect(begun).toEqual(['a', 'b', 'c'])
    for (const name of ['b', 'c']) end(name)
    await Promise.all([...held, next])
  })
})

describe.each(databaseKinds)('L3: tenants at one pool, on %s', kind => {
  const [greedy, modest] = [newId(), newId()]
  let database: OpenDatabase
  beforeAll(async () => {
    database = await openDatabase(kind)
  })
  afterAll(() => database?.drop())

  test('one that has many slow transactions keeps another from nothing, and all are done in the end', async () => {
    const ask = (tenantId: string) =>
      database.db.scoped(scopeOf(tenantId), tx => tx.sql.execute(sql`select 1`))
    // Nobody is to wait for a connection to be made.
    await Promise.all([newId(), newId(), newId(), modest].map(ask))
    const release = Promise.withResolvers<void>()
    let atOnce = 0
    let most = 0
    const slow = async (tx: Transaction) => {
      most = Math.max(most, ++atOnce)
      await release.promise
      await tx.sql.execute(sql`select 1`)
      atOnce--
    }
    const outcomes = Promise.allSettled(
      Array.from({ length: 12 }, () => database.db.scoped(scopeOf(greedy), slow)),
    )
    try {
      for (let at = 0; at < 3; at++) await ask(modest)
    } finally {
      release.resolve()
    }
    expect((await outcomes).filter(({ status }) => status === 'rejected')).toEqual([])
    expect(most).toBe(3)
  })
})
