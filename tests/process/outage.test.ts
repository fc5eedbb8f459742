import { once } from 'node:events'
import { connect } from 'node:net'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import type { Problem } from '../../src/protocol/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { startWire, type Wire } from '../support/networkPath.ts'
import { mailTo } from '../support/outbox.ts'
import { type TestParley, testSecret } from '../support/parley.ts'
import {
  type Answer,
  type Caller,
  keyCaller,
  newWorkspace,
  nobody,
  type Workspace,
} from '../support/people.ts'
import {
  linesWith,
  type Program,
  startProgram,
  unlimited,
  type Workplace,
  workplace,
} from '../support/processes.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

/** The longest that a request may be kept waiting for a database that does not answer. */
const longestMs = 20_000

describe.skipIf(!inject('services').postgres)('PostgreSQL goes away and comes back', () => {
  let database: TestDatabase
  let wire: Wire
  let at: Workplace
  let program: Program
  let workspace: Workspace
  let client: Caller
  let anyone: Caller

  beforeAll(async () => {
    database = await createTestDatabase('PostgreSQL')
    const target = new URL((database.connection as { url: string }).url)
    wire = await startWire({ host: target.hostname, port: Number(target.port || 5432) })
    target.host = `127.0.0.1:${wire.port}`
    at = await workplace()
    program = startProgram(at, {
      environment: {
        ...unlimited,
        DATABASE_URL: target.href,
        DATABASE_POOL_SIZE: '4',
        PARLEY_SECRET: testSecret,
      },
    })
    const { url } = await program.serving()
    workspace = await newWorkspace(running(url))
    const made = await workspace.owner.call<{ key: string }>('post', '/api/v1/keys', {
      name: 'Outage',
      permissions: ['contacts:read', 'contacts:write'],
    })
    client = keyCaller({ url }, made.body.key)
    anyone = nobody({ url })
    expect((await write()).status).toBe(201)
  })

  afterAll(async () => {
    await program?.[Symbol.asyncDispose]()
    await wire?.[Symbol.asyncDispose]()
    await database?.drop()
    await at?.[Symbol.asyncDispose]()
  })

  /** What the helpers for a program in this process need of one in another. */
  const running = (url: string): TestParley => ({
    ...{ url, publicUrl: url, demo: undefined, owner: database.owner, dataFolder: at.data },
    stop: async () => undefined,
    remove: async () => undefined,
  })

  afterEach(() => wire.restore())

  const write = () => client.call('post', '/api/v1/contacts', { name: 'During' })
  const origin = () => ({ origin: /Start page {3}(\S+)\/\n/.exec(program.stdout())?.[1] ?? '' })
  const ready = async () => (await anyone.call('get', '/readyz')).status

  function expectUnavailable({ status, headers, body }: Answer<unknown>): void {
    expect({ status, code: (body as Partial<Problem>).code }).toEqual({ status: 503, code: 'unavailable' })
    expect(headers.get('content-type')).toContain('application/problem+json')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }

  async function timed<Result>(work: Promise<Result>): Promise<{ result: Result; ms: number }> {
    const began = performance.now()
    const result = await work
    return { result, ms: performance.now() - began }
  }

  /** Everything works again by itself: readiness, writing, reading, jobs. */
  async function expectRecovery(withinMs: number): Promise<void> {
    const began = performance.now()
    await eventually('it is ready again', async () => (await ready()) === 200, withinMs)
    await eventually('it writes again', async () => (await write()).status === 201, withinMs)
    console.log(`served again after ${Math.round(performance.now() - began)} ms`)
    const address = `invited-${Math.round(performance.now() * 1000)}@people.example`
    const invited = await workspace.owner.call('post', '/api/v1/invitations', {
      email: address,
      role: 'support_agent',
    })
    expect(invited.status).toBe(201)
    await mailTo(running(''), address, /./, 15_000)
    expect(program.exit()).toBeUndefined()
    expect(linesWith(program, '"level":"error"')).toEqual([])
  }

  test('cut off: alive but not ready, every request 503 at once; restored: all of it works again, jobs too', async () => {
    await wire.cut()
    for (const answer of await Promise.all([write(), client.call('get', '/api/v1/contacts'), write()])) {
      expectUnavailable(answer)
    }
    const { result, ms } = await timed(anyone.call('get', '/readyz'))
    expectUnavailable(result)
    expect(ms).toBeLessThan(3_000)
    expect((await anyone.call('get', '/healthz')).status).toBe(200)
    expectUnavailable(
      await anyone.call('post', '/api/auth/sign-in/email', { email: 'a@b.example', password: 'x' }, origin()),
    )
    expectUnavailable(await workspace.owner.call('get', '/api/v1/tenant'))
    await wire.restore()
    await expectRecovery(10_000)
  })

  test('frozen: nobody waits longer than the limit, readiness tells within seconds; thawed: as before', async () => {
    await Promise.all(Array.from({ length: 8 }, write))
    wire.freeze()
    const asked = Array.from({ length: 8 }, () => timed(write()))
    const readiness = await timed(anyone.call('get', '/readyz'))
    expectUnavailable(readiness.result)
    expect(readiness.ms).toBeLessThan(4_000)
    expect((await anyone.call('get', '/healthz')).status).toBe(200)
    const answers = await Promise.all(asked)
    for (const { result } of answers) expectUnavailable(result)
    const slowest = Math.max(...answers.map(({ ms }) => ms))
    console.log(`frozen: the slowest answer took ${Math.round(slowest)} ms`)
    expect(slowest).toBeLessThan(longestMs)
    await wire.restore()
    await expectRecovery(10_000)
  })

  test('it is there but lets nobody in: not ready, 503; let in again: as before', async () => {
    await asAdministrator(name => `alter database ${name} with allow_connections false`)
    try {
      await asAdministrator(
        name => `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
      )
      expectUnavailable(await anyone.call('get', '/readyz'))
      expectUnavailable(await write())
      expect((await anyone.call('get', '/healthz')).status).toBe(200)
    } finally {
      await asAdministrator(name => `alter database ${name} with allow_connections true`)
    }
    await expectRecovery(10_000)
  })

  const othersAway = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'parley'`

  async function asAdministrator(statement: (database: string) => string): Promise<void> {
    const admin = new pg.Client({ connectionString: inject('services').postgres?.url })
    await admin.connect()
    await admin.query(statement(new URL((database.connection as { url: string }).url).pathname.slice(1)))
    await admin.end()
  }

  test('its connections are terminated under load: no crash, only successes and 503', async () => {
    const answers: Answer<unknown>[] = []
    let over = false
    const load = Promise.all(
      Array.from({ length: 6 }, async () => {
        while (!over) answers.push(await write())
      }),
    )
    try {
      for (let round = 0; round < 5; round += 1) {
        const enough = answers.length + 30
        await eventually('requests are answered', () => answers.length > enough)
        await database.owner.query(othersAway)
      }
    } finally {
      over = true
      await load
    }
    for (const answer of answers) if (answer.status !== 201) expectUnavailable(answer)
    expect(answers.filter(({ status }) => status === 201).length).toBeGreaterThan(60)
    await expectRecovery(10_000)
  })

  test('more requests than connections, which somebody blocks: they wait, then 503, and none is lost for good', async () => {
    const holder = await database.owner.connect()
    try {
      await holder.query('begin')
      await holder.query('lock table contacts in access exclusive mode')
      const answers = await Promise.all(Array.from({ length: 24 }, () => timed(write())))
      for (const { result } of answers) expectUnavailable(result)
      const slowest = Math.max(...answers.map(({ ms }) => ms))
      console.log(`blocked: the slowest answer took ${Math.round(slowest)} ms`)
      expect(slowest).toBeLessThan(longestMs)
    } finally {
      await holder.query('rollback')
      holder.release()
    }
    await expectRecovery(10_000)
  })

  test('it stops cleanly while the database is out of reach', async () => {
    wire.freeze()
    const socket = connect(Number(new URL(origin().origin).port), '127.0.0.1')
    await once(socket, 'connect')
    const { result, ms } = await timed(program.stop())
    console.log(`stopped after ${Math.round(ms)} ms without a database`)
    expect(result).toEqual({ code: 0, signal: null })
    expect(ms).toBeLessThan(longestMs)
    socket.destroy()
  })
})
