import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { startWire } from '../support/networkPath.ts'
import { testSecret } from '../support/parley.ts'
import { demoOwner, everything, startProgram, unlimited, workplace } from '../support/processes.ts'
import { type LocalPostgres, startLocalPostgres } from '../support/services/postgres-local.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const servingRoles = ['parley_app', 'parley_identity', 'parley_platform', 'parley_jobs']

/** Roles belong to a whole server, so these tests have one of their own, on which nobody has made any yet. */
describe.skipIf(!inject('services').postgres)('on a fresh PostgreSQL', () => {
  let server: LocalPostgres | undefined
  let admin: pg.Client

  beforeAll(async () => {
    server = await startLocalPostgres(process.env)
    admin = new pg.Client({ connectionString: server.url })
    await admin.connect()
  })

  afterAll(async () => {
    await admin?.end()
    await server?.stop()
  })

  const random = (word: string) => `${word}_${randomBytes(4).toString('hex')}`

  /** An empty database, with the extension where its owner could not add it. */
  async function emptyDatabase(owner = 'postgres'): Promise<string> {
    const name = random('fresh')
    await admin.query(`create database ${name} owner ${owner}`)
    const url = new URL(server?.url ?? '')
    url.pathname = `/${name}`
    if (owner !== 'postgres') await within(url.href, client => client.query('create extension vector'))
    url.username = owner
    return url.href
  }

  async function within<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  async function newLogin(rights: string): Promise<string> {
    const name = random('login')
    await admin.query(`create role ${name} login nosuperuser ${rights}`)
    return name
  }

  const environment = (url: string) => ({
    ...unlimited,
    DATABASE_URL: url,
    PARLEY_SECRET: testSecret,
    SEED_DEMO: 'true',
  })

  /** Starts what must not start, and gives what it said. */
  async function refusal(url: string): Promise<string> {
    await using at = await workplace()
    await using program = startProgram(at, { environment: environment(url) })
    const exit = await program.ended
    expect(exit, program.stderr()).toEqual({ code: 1, signal: null })
    expect(program.stderr()).toMatch(/^[^\n]+\n$/)
    return program.stderr()
  }

  test('three processes start at one moment, two of them on one database: each step is done once', async () => {
    const [shared, other] = [await emptyDatabase(), await emptyDatabase()]
    await using first = await workplace()
    await using second = await workplace()
    await using third = await workplace()
    await using one = startProgram(first, { environment: environment(shared) })
    await using two = startProgram(second, { environment: environment(shared) })
    await using three = startProgram(third, { environment: environment(other) })
    const began = performance.now()
    await Promise.all([one, two, three].map(program => program.serving()))
    console.log(`three at once: ${Math.round(performance.now() - began)} ms until all serve`)
    for (const url of [shared, other]) {
      const { rows } = await within(url, client =>
        client.query(
          'select count(*)::int as n, count(distinct hash)::int as d from drizzle.__drizzle_migrations',
        ),
      )
      expect(rows[0].n).toBeGreaterThan(0)
      expect(rows[0].d).toBe(rows[0].n)
    }
    const { rows } = await admin.query('select rolname from pg_roles where rolname = any($1) order by 1', [
      servingRoles,
    ])
    expect(rows.map(({ rolname }) => rolname)).toEqual([...servingRoles].sort())
    const demo = await within(shared, client =>
      client.query(`select count(*)::int as n from tenants where slug = 'demo'`),
    )
    expect(demo.rows[0].n).toBe(1)
    for (const program of [one, two, three]) expect(program.stderr()).toBe('')
  })

  test('as a login that is no superuser but may create roles: it serves, and tenants are apart', async () => {
    const login = await newLogin('createrole')
    const url = await emptyDatabase(login)
    await using at = await workplace()
    await using program = startProgram(at, { environment: environment(url) })
    const owner = await demoOwner(program)
    expect((await everything(owner, '/api/v1/contacts')).length).toBeGreaterThan(0)
    const made = await owner.call('post', '/api/v1/contacts', { name: 'By a plain login' })
    expect(made.status).toBe(201)
    await within(url, async client => {
      // The login owns the tables, and still the policies bind it.
      await client.query('begin')
      await client.query(`select set_config('role', 'parley_app', true)`)
      expect((await client.query('select 1 from contacts')).rowCount).toBe(0)
      await client.query('rollback')
    })
  })

  test('as a login without the right to switch to the serving roles: refused', async () => {
    const login = await newLogin('nocreaterole')
    const said = await refusal(await emptyDatabase(login))
    expect(said).toMatch(/permission denied|cannot be switched to|must have admin option/)
  })

  test('an extension that the login may not add is named', async () => {
    const login = await newLogin('createrole')
    const url = await emptyDatabase(login)
    const asAdmin = new URL(url)
    asAdmin.username = 'postgres'
    await within(asAdmin.href, client => client.query('drop extension vector'))
    expect(await refusal(url)).toContain('permission denied to create extension "vector"')
  })

  test('a database or login that does not exist is refused at once, and the password is not repeated', async () => {
    const url = new URL(await emptyDatabase())
    url.password = 'hunter2'
    const began = performance.now()
    url.pathname = '/nothing_here'
    expect(await refusal(url.href)).toContain('database "nothing_here" does not exist')
    url.username = 'nobody_here'
    const said = await refusal(url.href)
    expect(said).toContain('role "nobody_here" does not exist')
    expect(said).not.toContain('hunter2')
    expect(performance.now() - began).toBeLessThan(20_000)
  })

  test('a database that is still away at the start is waited for', async () => {
    const url = new URL(await emptyDatabase())
    await using wire = await startWire({ host: url.hostname, port: Number(url.port) })
    url.host = `127.0.0.1:${wire.port}`
    await wire.cut()
    await using at = await workplace()
    await using program = startProgram(at, { environment: environment(url.href) })
    await vi.waitUntil(() => program.stdout().split('"waiting for the database"').length > 2, 20_000)
    expect(program.stdout()).toMatch(/"reason":"[^"]+"/)
    await wire.restore()
    await program.serving()
  })

  test('one told to stop while it waits for its database stops at once', async () => {
    const url = new URL(await emptyDatabase())
    url.port = '1'
    await using at = await workplace()
    await using program = startProgram(at, { environment: environment(url.href) })
    await vi.waitUntil(() => program.stdout().includes('"waiting for the database"'), 20_000)
    expect(await program.stop()).toEqual({ code: 0, signal: null })
    expect(program.stderr()).toBe('')
  })
})
