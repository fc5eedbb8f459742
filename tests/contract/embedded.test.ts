import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { eventually, type Running, remove, running, temporaryFolder } from '../support/embeddedDatabase.ts'
import { rawConnection, socketOf } from '../support/embeddedRaw.ts'

// Processes start and stop here, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 })

let folder: string
let db: Running

beforeAll(async () => {
  folder = temporaryFolder()
  db = await running(folder, { idleTransactionMs: 1_500 })
  await db.pool.query(`create role visitor_role nologin;
    create table notes (id int primary key, tenant text not null, text text);
    grant select, insert on notes to visitor_role;`)
})

afterAll(async () => {
  await db[Symbol.asyncDispose]()
  await remove(folder)
})

async function scoped<T>(tenant: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await db.pool.connect()
  try {
    await client.query('begin')
    await client.query(
      `select set_config('role', 'visitor_role', true), set_config('app.tenant_id', $1, true)`,
      [tenant],
    )
    const result = await work(client)
    await client.query('commit')
    return result
  } finally {
    client.release()
  }
}

describe('S1 connections share the engine without sharing transactions', () => {
  test('300 concurrent scoped transactions each see their own role and tenant, and leave none behind', async () => {
    const seen = await Promise.all(
      Array.from({ length: 300 }, (_, n) =>
        scoped(`tenant-${n}`, async client => {
          await client.query('select $1::int', [n])
          const { rows } = await client.query(
            `select current_user::text as role, current_setting('app.tenant_id') as tenant`,
          )
          return rows[0]
        }),
      ),
    )
    expect(seen).toEqual(seen.map((_, n) => ({ role: 'visitor_role', tenant: `tenant-${n}` })))
    const { rows } = await db.pool.query(
      `select current_user::text as role, nullif(current_setting('app.tenant_id', true), '') as tenant`,
    )
    expect(rows).toEqual([{ role: 'postgres', tenant: null }])
  })

  test('set local role takes rights away within the transaction only', async () => {
    const client = await db.connect()
    await client.query('begin; set local role visitor_role')
    await expect(client.query('create table forbidden (id int)')).rejects.toMatchObject({ code: '42501' })
    await client.query('rollback')
    await client.query('create table allowed (id int); drop table allowed')
  })

  test('an uncommitted row is seen by nobody else', async () => {
    const writer = await db.connect()
    await writer.query(`begin`)
    await writer.query(`insert into notes values (900, 'a', 'draft')`)
    let answered = false
    const reading = db.pool.query('select id from notes where id = 900').then(result => {
      answered = true
      return result
    })
    await writer.query('select 1')
    expect(answered).toBe(false)
    await writer.query('rollback')
    expect((await reading).rows).toEqual([])
  })
})

describe('units of the protocol never mix', () => {
  test('unnamed parameterised queries of six connections each get their own answer', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => db.connect()))
    const answers: boolean[] = []
    await Promise.all(
      clients.map(async (client, c) => {
        for (let n = 0; n < 150; n += 1) {
          const { rows } = await client.query(`select $1::int + ${c * 1000} as sum, 'client ${c}' as name`, [
            n,
          ])
          answers.push(rows[0].sum === c * 1000 + n && rows[0].name === `client ${c}`)
        }
      }),
    )
    expect(answers).toHaveLength(900)
    expect(answers.every(Boolean)).toBe(true)
  })

  test('pipelined clients get every answer, in order, and errors where they belong', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => db.connect({ pipeline: true })))
    const settled = await Promise.all(
      clients.map((client, c) =>
        Promise.allSettled(
          Array.from({ length: 100 }, (_, n) =>
            n % 10 === 3
              ? client.query('select 1 / $1::int', [0])
              : client.query('select $1::int as c, $2::int as n', [c, n]),
          ),
        ),
      ),
    )
    settled.forEach((answers, c) => {
      answers.forEach((answer, n) => {
        if (n % 10 === 3) expect(answer).toMatchObject({ status: 'rejected', reason: { code: '22012' } })
        else expect(answer).toMatchObject({ status: 'fulfilled', value: { rows: [{ c, n }] } })
      })
    })
  })

  test('pipelined transactions of several clients stay whole', async () => {
    await db.pool.query(
      'create table counters (id int primary key, value int not null); insert into counters values (1, 0)',
    )
    const clients = await Promise.all(Array.from({ length: 5 }, () => db.connect({ pipeline: true })))
    await Promise.all(
      clients.flatMap(client =>
        Array.from({ length: 20 }, () =>
          Promise.all([
            client.query('begin'),
            client.query(`select set_config('app.was', value::text, true) from counters where id = $1`, [1]),
            client.query(`update counters set value = current_setting('app.was')::int + $1`, [1]),
            client.query('commit'),
          ]),
        ),
      ),
    )
    // Were another transaction to slip in between reading and writing, its addition would be lost.
    expect((await db.pool.query('select value from counters')).rows).toEqual([{ value: 100 }])
  })

  test('the same statement name on two connections means two statements', async () => {
    const [one, two] = await Promise.all([db.connect(), db.connect()])
    const ask = (client: pg.Client, text: string) => client.query({ name: 'same', text, values: [5] })
    expect((await ask(one, 'select $1::int + 1 as n')).rows).toEqual([{ n: 6 }])
    expect((await ask(two, 'select $1::int * 10 as n')).rows).toEqual([{ n: 50 }])
    expect((await ask(one, 'select $1::int + 1 as n')).rows).toEqual([{ n: 6 }])
    await one.end()
    expect((await ask(two, 'select $1::int * 10 as n')).rows).toEqual([{ n: 50 }])
    await two.end()
    await eventually('their statements are gone', async () => {
      const { rows } = await db.pool.query(`select count(*)::int as n from pg_prepared_statements`)
      return rows[0].n === 0
    })
  })

  test('an unnamed statement of an earlier round trip is refused, not mistaken for another one', async () => {
    const raw = await rawConnection(db.database.connection)
    raw.send('P', '\0select 1\0\0\0')
    raw.send('S', '')
    await raw.until('Z')
    await db.pool.query('select $1::text', ['somebody else'])
    raw.send('B', '\0\0\0\0\0\0\0\0')
    raw.send('E', '\0\0\0\0\0')
    raw.send('S', '')
    expect(await raw.until('Z')).toContain('keeps it only until Sync')
    raw.end()
  })
})

describe('a failing query hurts only itself', () => {
  test('syntax errors, constraints and COPY FROM STDIN leave the connection usable', async () => {
    const client = await db.connect()
    await client.query(`insert into notes values (1, 'a', 'x')`)
    for (let round = 0; round < 3; round += 1) {
      await expect(client.query('selec 1')).rejects.toMatchObject({ code: '42601' })
      await expect(client.query('insert into notes values ($1)', [1])).rejects.toMatchObject({
        code: '23502',
      })
      await expect(client.query(`insert into notes values (1, 'a')`)).rejects.toMatchObject({ code: '23505' })
      await expect(client.query('select $1::int', ['no number'])).rejects.toMatchObject({ code: '22P02' })
      await expect(client.query('copy notes from stdin')).rejects.toMatchObject({ code: '57014' })
      await expect(
        client.query({ name: `copy-${round}`, text: 'copy notes from stdin' }),
      ).rejects.toMatchObject({ code: '57014' })
      expect((await client.query('select $1::int as n', [round])).rows).toEqual([{ n: round }])
    }
  })

  test('a failed transaction refuses everything until it is rolled back, and others go on afterwards', async () => {
    const client = await db.connect()
    await client.query('begin')
    await expect(client.query('select 1/0')).rejects.toMatchObject({ code: '22012' })
    await expect(client.query('select $1::int', [1])).rejects.toMatchObject({ code: '25P02' })
    await client.query('rollback')
    expect((await db.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('too deep a recursion is an error, not the end of the database', async () => {
    const pid = db.database.pid
    await db.pool.query(
      `create function deeper(n int) returns int language plpgsql as 'begin return deeper(n + 1); end'`,
    )
    await expect(db.pool.query('select deeper(1)')).rejects.toMatchObject({ code: '54001' })
    expect((await db.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect(db.database.pid).toBe(pid)
  })

  test.runIf(process.platform !== 'win32')(
    'what is not the protocol is answered with an error and closed',
    async () => {
      const raw = await rawConnection(db.database.connection)
      raw.send('?', 'nonsense')
      expect(await raw.closed).toContain('08P01')
      await expect(db.connect({ database: 'other' })).rejects.toMatchObject({ code: '3D000' })
      await expect(db.connect({ user: 'somebody' })).rejects.toMatchObject({ code: '28000' })
      expect((await db.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    },
  )
})

describe('nobody can block the others for good', () => {
  test('a client that vanishes in a transaction is rolled back and the others proceed', async () => {
    const client = await db.connect()
    await client.query('begin')
    await client.query(`insert into notes values (50, 'a', 'lost')`)
    const others = Promise.all(
      Array.from({ length: 6 }, () => db.pool.query('select id from notes where id = 50')),
    )
    socketOf(client).destroy()
    expect((await others).map(result => result.rows)).toEqual(Array.from({ length: 6 }, () => []))
  })

  test('a client that vanishes within a message, in a transaction, is rolled back', async () => {
    const raw = await rawConnection(db.database.connection)
    raw.send('Q', 'begin\0')
    await raw.until('Z')
    raw.send('Q', `insert into notes values (51, 'a', 'lost')\0`)
    await raw.until('Z')
    raw.write(Buffer.from([0x51, 0, 0, 1, 0, 0x73]))
    raw.send('P', '\0select 1\0\0\0')
    raw.end()
    expect((await db.pool.query('select id from notes where id = 51')).rows).toEqual([])
  })

  test('a transaction left idle is rolled back after the limit, and its connection closed', async () => {
    const client = await db.connect()
    await client.query('begin')
    await client.query(`insert into notes values (52, 'a', 'lost')`)
    const began = Date.now()
    expect((await db.pool.query('select id from notes where id = 52')).rows).toEqual([])
    expect(Date.now() - began).toBeGreaterThan(1_000)
    await expect(client.query('commit')).rejects.toThrow()
  })

  test('Ctrl-C, which reaches the whole process group, leaves the stopping to the parent', async () => {
    const pid = db.database.pid ?? 0
    process.kill(pid, 'SIGINT')
    await new Promise(resolve => setTimeout(resolve, 200))
    expect(db.database.pid).toBe(pid)
    expect((await db.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test('a sequence without its Sync holds the database for no longer than the limit either', async () => {
    const raw = await rawConnection(db.database.connection)
    raw.send('P', '\0select 1\0\0\0')
    raw.send('H', '')
    await raw.until('1')
    expect((await db.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    expect(await raw.closed).toContain('25P03')
  })

  test('a pipelining client does not starve the others', async () => {
    const greedy = await db.connect({ pipeline: true })
    let left = 2_000
    const flood = Array.from({ length: left }, () =>
      greedy.query('select $1::int', [1]).then(() => (left -= 1)),
    )
    await db.pool.query('select 1')
    expect(left).toBeGreaterThan(0)
    await Promise.all(flood)
  })
})

describe('what the engine can do', () => {
  test('5 MB of text go in and come out', async () => {
    const text = `${'Grüße 🌍 '.repeat(400_000)}end`
    expect(Buffer.byteLength(text)).toBeGreaterThan(5_000_000)
    await db.pool.query('insert into notes values ($1, $2, $3)', [70, 'a', text])
    const { rows } = await db.pool.query('select text from notes where id = $1', [70])
    expect(rows[0].text === text).toBe(true)
  })

  test('vector search and trigram similarity work', async () => {
    await db.pool.query('create extension vector; create extension pg_trgm')
    await db.pool.query('create table spots (id int primary key, place halfvec(3))')
    await db.pool.query(
      `insert into spots select n, ('[' || n || ',0,1]')::halfvec from generate_series(1, 50) n`,
    )
    await db.pool.query('create index on spots using hnsw (place halfvec_l2_ops)')
    const { rows } = await db.pool.query('select id from spots order by place <-> $1 limit 3', ['[20.2,0,1]'])
    expect(rows).toEqual([{ id: 20 }, { id: 21 }, { id: 19 }])
    const { rows: alike } = await db.pool.query(`select similarity('parley', 'parlay') > 0.3 as alike`)
    expect(alike).toEqual([{ alike: true }])
  })

  test('a connection that ends takes its settings and its role along', async () => {
    const client = await db.connect()
    await client.query(`set app.tenant_id = 'left behind'; set role visitor_role`)
    await client.end()
    await eventually('the session is clean', async () => {
      const { rows } = await db.pool.query(
        `select current_user::text as role, nullif(current_setting('app.tenant_id', true), '') as tenant`,
      )
      return rows[0].role === 'postgres' && rows[0].tenant === null
    })
  })
})
