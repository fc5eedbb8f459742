import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Engine } from '../../src/db/embedded/engine.ts'
import { Housekeeping } from '../../src/db/embedded/housekeeping.ts'
import { FolderInUse, lockFolder, startEmbedded } from '../../src/db/embedded/index.ts'
import { Turns } from '../../src/db/embedded/turns.ts'
import { query, rowsIn } from '../../src/db/embedded/wire.ts'
import {
  collectingLog,
  eventually,
  isAlive,
  remove,
  running,
  temporaryFolder,
} from '../support/embeddedDatabase.ts'

// Processes start and stop here, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

// Making a new database takes two seconds: made once, copied for each test.
let template: string
const folders: string[] = []

beforeAll(async () => {
  template = temporaryFolder()
  await (await running(template))[Symbol.asyncDispose]()
})

afterAll(async () => {
  await Promise.all([template, ...folders].map(remove))
})

function freshCopy(): string {
  const folder = temporaryFolder()
  folders.push(folder)
  fs.cpSync(join(template, 'data'), join(folder, 'data'), { recursive: true })
  return folder
}

function fault(error: unknown): never {
  throw error
}

describe('what was acknowledged survives', () => {
  test('kill -9 of the database during writes: it comes back by itself with every acknowledged row', async () => {
    await using db = await running(freshCopy())
    await db.pool.query('create table written (n int primary key)')
    const acknowledged: number[] = []
    const first = db.database.pid
    let next = 0
    let killed = false
    const write = async () => {
      while (!killed) {
        const n = next++
        try {
          await db.pool.query('insert into written values ($1)', [n])
          acknowledged.push(n)
        } catch {
          // Not acknowledged: may be there or not.
        }
      }
    }
    const writers = Array.from({ length: 6 }, write)
    await eventually('enough rows are in', () => acknowledged.length > 300)
    process.kill(first ?? 0, 'SIGKILL')
    killed = true
    await Promise.all(writers)
    await eventually('the database serves again', () =>
      db.pool.query('select 1').then(
        () => true,
        () => false,
      ),
    )
    const { rows } = await db.pool.query('select n from written')
    const found = new Set(rows.map(row => row.n))
    expect(acknowledged.filter(n => !found.has(n))).toEqual([])
    expect(db.database.pid).not.toBe(first)
    expect(db.lines.join('\n')).toContain('ended unexpectedly')
  })

  test('kill -9 of the program: the database leaves, the folder opens at once, acknowledged rows are there', async () => {
    const folder = freshCopy()
    const program = fileURLToPath(new URL('../support/embeddedWriter.ts', import.meta.url))
    const writer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, folder])
    let database = 0
    let acknowledged = 0
    createInterface(writer.stdout).on('line', line => {
      const [word, number] = line.split(' ')
      if (word === 'database') database = Number(number)
      if (word === 'acked') acknowledged = Number(number)
    })
    await eventually('enough rows are in', () => acknowledged > 200)
    const ended = new Promise(resolve => writer.once('close', resolve))
    writer.kill('SIGKILL')
    await using db = await running(folder)
    await ended
    await eventually('the old database has left', () => !isAlive(database), 1_000)
    const { rows } = await db.pool.query('select count(*)::int as n, max(n) as last from written')
    expect(rows[0].n).toBeGreaterThanOrEqual(acknowledged)
    expect(rows[0].n).toBe(rows[0].last)
  })

  test('each commit is answered only after an fsync, and settings say so', async () => {
    const engine = await Engine.open(freshCopy(), fault)
    const original = fs.fsyncSync
    let synced = 0
    fs.fsyncSync = descriptor => {
      synced += 1
      original(descriptor)
    }
    syncBuiltinESMExports()
    try {
      expect(rowsIn(await engine.execute('show fsync'))).toEqual([['on']])
      expect(rowsIn(await engine.execute('show synchronous_commit'))).toEqual([['on']])
      await engine.execute('create table rows (n int)')
      for (let n = 0; n < 20; n += 1) {
        const before = synced
        await engine.execute(`insert into rows values (${n})`)
        expect(synced).toBeGreaterThan(before)
      }
    } finally {
      fs.fsyncSync = original
      syncBuiltinESMExports()
      await engine.close()
    }
  })

  test('a failed fsync ends the engine instead of acknowledging', async () => {
    let failure: unknown
    const engine = await Engine.open(freshCopy(), error => {
      failure = error
      throw error
    })
    await engine.execute('create table rows (n int)')
    const original = fs.fsyncSync
    fs.fsyncSync = () => {
      // One failure, as the kernel reports it: once. Going on would take the second fsync for success.
      fs.fsyncSync = original
      syncBuiltinESMExports()
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    syncBuiltinESMExports()
    const reply = engine
      .run(query('insert into rows values (1)'))
      .then(({ bytes }) => bytes.toString('latin1'), String)
    expect(await reply).not.toContain('INSERT 0 1')
    expect(failure).toBeDefined()
  })

  test('a clean stop ends by itself, and keeps what was stored', async () => {
    const folder = freshCopy()
    const db = await running(folder)
    await db.pool.query('create table kept (n int); insert into kept values (7)')
    await db[Symbol.asyncDispose]()
    expect(db.lines.filter(line => line.includes('is killed'))).toEqual([])
    await using again = await running(folder)
    expect((await again.pool.query('select n from kept')).rows).toEqual([{ n: 7 }])
  })

  test('an interrupted creation is begun anew', async () => {
    const folder = temporaryFolder()
    folders.push(folder)
    fs.cpSync(join(template, 'data', 'global'), join(folder, 'data', 'global'), { recursive: true })
    fs.writeFileSync(join(folder, 'data', 'PG_VERSION'), '18\n')
    fs.writeFileSync(join(folder, 'initialising'), '')
    await using db = await running(folder)
    expect((await db.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect(fs.existsSync(join(folder, 'initialising'))).toBe(false)
  })
})

describe('one process per folder', () => {
  test('a second database on the same folder is refused soon, with the pid of the first', async () => {
    const folder = freshCopy()
    await using db = await running(folder)
    const began = Date.now()
    const second = await startEmbedded({ folder, log: collectingLog() }).catch((error: unknown) => error)
    expect(second).toBeInstanceOf(FolderInUse)
    expect(String(second)).toContain(`process ${db.database.pid}`)
    expect(Date.now() - began).toBeLessThan(5_000)
    expect((await db.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('a lock is exclusive, per name, also within a process, and free after its release', () => {
    const folder = temporaryFolder()
    folders.push(folder)
    const lock = lockFolder(folder, 'one')
    expect(() => lockFolder(folder, 'one')).toThrow(`process ${process.pid}`)
    const other = lockFolder(folder, 'two')
    lock.release()
    lock.release()
    lockFolder(folder, 'one').release()
    other.release()
  })

  test('a folder that cannot be a database is refused with the reason', async () => {
    const folder = freshCopy()
    fs.writeFileSync(join(folder, 'data', 'global', 'pg_control'), Buffer.alloc(8192, 1))
    await expect(startEmbedded({ folder, log: collectingLog() })).rejects.toThrow(/cannot be opened: .+/)
  })

  test('a place that cannot be written is refused with the reason', async () => {
    const folder = temporaryFolder()
    folders.push(folder)
    fs.writeFileSync(join(folder, 'file'), '')
    await expect(startEmbedded({ folder: join(folder, 'file', 'db'), log: collectingLog() })).rejects.toThrow(
      /ENOTDIR/,
    )
  })
})

describe.runIf(process.platform !== 'win32')('the socket', () => {
  test('a stale socket file of a killed server is replaced; its folder is for the owner only', async () => {
    const folder = freshCopy()
    const socket = join(folder, '.s.PGSQL.5432')
    const stale = createServer().listen(socket)
    await new Promise(resolve => stale.once('listening', resolve))
    fs.renameSync(socket, `${socket}.kept`)
    stale.close()
    fs.renameSync(`${socket}.kept`, socket)
    expect(fs.existsSync(socket)).toBe(true)
    fs.chmodSync(folder, 0o755)
    await using db = await running(folder)
    expect((await db.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect(fs.statSync(db.database.connection.host).mode & 0o777).toBe(0o700)
  })

  test('a folder with too long a path gets its socket elsewhere, at the same place each time', async () => {
    const folder = join(freshCopy(), 'long-'.repeat(20), 'path-'.repeat(20))
    fs.mkdirSync(folder, { recursive: true })
    fs.cpSync(join(template, 'data'), join(folder, 'data'), { recursive: true })
    const hosts: string[] = []
    for (let round = 0; round < 2; round += 1) {
      await using db = await running(folder)
      hosts.push(db.database.connection.host)
      expect((await db.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
      expect(fs.statSync(db.database.connection.host).mode & 0o777).toBe(0o700)
    }
    expect(hosts[0]).toBe(hosts[1])
    folders.push(hosts[0] ?? folder)
  })
})

test('housekeeping vacuums what has dead rows and writes checkpoints as the log grows', async () => {
  const engine = await Engine.open(freshCopy(), fault)
  const housekeeping = new Housekeeping(engine, new Turns(1_000, fault), collectingLog())
  const one = async (sql: string) => Number(rowsIn(await engine.execute(sql))[0]?.[0])
  await engine.execute(`create table "Odd ""name" (n int, text text)`)
  await engine.execute(`insert into "Odd ""name" select n, repeat('x', 900) from generate_series(1, 20000) n`)
  await engine.execute(`update "Odd ""name" set n = n + 1`)
  const log = 'select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) from pg_control_checkpoint()'
  expect(await one(log)).toBeGreaterThan(32 * 1024 * 1024)
  await housekeeping.round()
  expect(await one(log)).toBeLessThan(1024 * 1024)
  expect(await one('select sum(n_dead_tup) from pg_stat_user_tables')).toBe(0)
  expect(await one(`select reltuples from pg_class where relname = 'Odd "name'`)).toBe(20_000)
  await engine.close()
})
