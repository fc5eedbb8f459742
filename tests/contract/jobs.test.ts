import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  createDatabase,
  createJobs,
  createPool,
  type Database,
  defineJob,
  handle,
  type Jobs,
  type Pool,
} from '../../src/db/index.ts'
import { createLog, createMetrics, newId, type Scope, systemScope } from '../../src/kernel/index.ts'
import { tenants } from '../../src/tenancy/schema.ts'
import { createTestDatabase, databaseKinds, type TestDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'

const log = createLog({ level: 'fatal' })
const note = defineJob({ name: 'test-note', payload: z.object({ text: z.string() }), retryLimit: 3 })

const rare = defineJob({
  ...{ name: 'test-rare', payload: z.object({ text: z.string() }), retryLimit: 0 },
  once: { key: ({ text }) => text, seconds: 3_600 },
})
const beginning = defineJob({
  ...{ name: 'test-beginning', payload: z.unknown(), retryLimit: 0 },
  atStart: 'as it is configured',
})
const lengthy = defineJob({
  ...{ name: 'test-lengthy', payload: z.object({ owner: z.string(), text: z.string() }), retryLimit: 0 },
  ...{ long: { atOnce: 2, limitSeconds: 60 }, ownedBy: ({ owner }: { owner: string }) => owner },
})

describe.each(databaseKinds)('jobs on %s', kind => {
  let database: TestDatabase
  let pool: Pool
  let jobs: Jobs
  let db: Database
  let scope: Scope
  const seen: string[] = []
  const runs = (text: string) => seen.filter(other => other === text).length
  let fail: (text: string) => boolean
  let letGo: () => void = () => undefined
  const held = new Promise<void>(resolve => {
    letGo = resolve
  })

  beforeAll(async () => {
    database = await createTestDatabase(kind)
    const metrics = createMetrics()
    // Two connections: the first job of a transaction must not need another one besides the workers'.
    pool = createPool({ connection: database.connection, max: 2, statementTimeoutMs: 30_000 }, log)
    jobs = createJobs({ pool, log, metrics })
    db = createDatabase({ pool, log, metrics, jobs })
    await jobs.start([
      handle(note, async ({ text }) => {
        seen.push(text)
        if (fail(text)) throw new Error('not this time')
      }),
      handle(rare, async ({ text }) => void seen.push(text)),
      handle(beginning, async () => void seen.push('begun')),
      handle(lengthy, async ({ owner, text }) => {
        seen.push(text)
        if (owner === 'greedy') await held
      }),
    ])
  })
  beforeEach(() => {
    fail = () => false
    scope = systemScope(newId(), 'test')
  })
  afterAll(async () => {
    await jobs.stop()
    await pool.end()
    await database.drop()
  })

  test('a job of the start runs without anybody asking for it; one of a key runs once for all who ask', async () => {
    await eventually('it has begun', () => runs('begun') === 1)
    for (const text of ['rare', 'rare', 'another'])
      await db.scoped(scope, async tx => tx.enqueue(rare, { text }))
    await eventually('both keys ran', () => runs('rare') === 1 && runs('another') === 1)
    await db.scoped(scope, async tx => tx.enqueue(note, { text: 'after the rare ones' }))
    await eventually('a later job ran', () => runs('after the rare ones') === 1)
    expect([runs('rare'), runs('begun')]).toEqual([1, 1])
  })

  test('a job and the rows beside it exist together', async () => {
    await db.scoped(scope, async tx => {
      await tx.sql.insert(tenants).values({ id: scope.tenantId, name: 'T', slug: scope.tenantId })
      await tx.enqueue(note, { text: 'committed' })
    })
    await eventually('the job ran', () => seen.includes('committed'))
    expect(
      (await database.owner.query('select 1 from tenants where id = $1', [scope.tenantId])).rowCount,
    ).toBe(1)
  })

  test('a transaction that is undone leaves no job', async () => {
    const work = db.scoped(scope, async tx => {
      await tx.enqueue(note, { text: 'undone' })
      throw new Error('changed my mind')
    })
    await expect(work).rejects.toThrow('changed my mind')
    const { rows } = await database.owner.query(
      `select count(*)::int as jobs from pgboss.job where data->>'text' = 'undone'`,
    )
    expect(rows[0].jobs).toBe(0)
  })

  test('the transaction goes on in its own scope after adding a job', async () => {
    const visible = await db.scoped(scope, async tx => {
      await tx.enqueue(note, { text: 'scoped' })
      return tx.sql.select().from(tenants)
    })
    expect(visible).toEqual([])
  })

  test('a job that fails is tried again until it succeeds', async () => {
    fail = text => text === 'again' && runs(text) < 2
    await db.scoped(scope, tx => tx.enqueue(note, { text: 'again' }))
    await eventually('the second try', () => runs('again') === 2, 20_000)
  })

  test('a payload that is not what the job takes is refused where it is added', async () => {
    const wrong = { text: 7 } as unknown as { text: string }
    await expect(db.scoped(scope, tx => tx.enqueue(note, wrong))).rejects.toThrow(/expected string/)
  })

  test('a job that fails leaves the others of its batch alone', async () => {
    fail = text => text === 'bad' && runs(text) < 2
    await Promise.all(['good', 'bad', 'fine'].map(text => db.scoped(scope, tx => tx.enqueue(note, { text }))))
    await eventually('the bad one ran again', () => runs('bad') === 2, 20_000)
    expect([runs('good'), runs('fine')]).toEqual([1, 1])
  })

  test('many transactions add jobs side by side, and each job runs', async () => {
    const texts = Array.from({ length: 10 }, (_, at) => `job ${at}`)
    await Promise.all(texts.map(text => db.scoped(scope, tx => tx.enqueue(note, { text }))))
    await eventually('all of them ran', () => texts.every(text => seen.includes(text)), 20_000)
  })
  test('of long work nobody has more than one at once, and that of others goes on beside it', async () => {
    const add = (owner: string, text: string) =>
      db.scoped(scope, tx => tx.enqueue(lengthy, { owner, text: `${owner} ${text}` }))
    const greedy = () => ['one', 'two', 'three'].filter(text => seen.includes(`greedy ${text}`)).length
    for (const text of ['one', 'two', 'three']) await add('greedy', text)
    await eventually('the first has begun', () => greedy() > 0)
    for (const text of ['one', 'two']) await add('modest', text)
    await eventually('the others are done', () => runs('modest one') === 1 && runs('modest two') === 1)
    expect(greedy()).toBe(1)
    letGo()
    await eventually('the rest follows', () => greedy() === 3, 20_000)
  })
})
