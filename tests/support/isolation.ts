import type pg from 'pg'
import { createDatabase, createJobs, createPool, type Database, type Pool } from '../../src/db/index.ts'
import { createLog, createMetrics, type Scope, systemScope } from '../../src/kernel/index.ts'
import { createTestDatabase, type DatabaseKind, type TestDatabase } from './databases.ts'

/** A pool, or one connection of it. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<pg.QueryResult<Row>>
}

export interface OpenDatabase extends Pick<TestDatabase, 'connection' | 'owner' | 'drop'> {
  readonly db: Database
  readonly pool: Pool
}

/** What the program does to its database at the start, over a migrated database of one's own. */
export async function openDatabase(kind: DatabaseKind, max = 4): Promise<OpenDatabase> {
  const database = await createTestDatabase(kind)
  const { db, pool } = databaseOver(database.connection, max)
  return {
    ...database,
    db,
    pool,
    drop: async () => {
      await pool.end()
      await database.drop()
    },
  }
}

export function databaseOver(connection: TestDatabase['connection'], max: number) {
  const log = createLog({ level: 'silent' })
  const metrics = createMetrics()
  const pool = createPool({ connection, max, statementTimeoutMs: 20_000 }, log)
  const jobs = createJobs({ pool, log, metrics })
  return { pool, db: createDatabase({ pool, log, metrics, jobs }) }
}

export const scopeOf = (tenantId: string): Scope => systemScope(tenantId, 'test')

export interface ServerFault {
  readonly code: string
  readonly message: string
  readonly constraint: string | undefined
}

/** What the server said, wherever the driver, drizzle or the program wrapped it. */
export function serverFault(error: unknown): ServerFault {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('severity' in at && 'code' in at) {
      const constraint = 'constraint' in at ? String(at.constraint) : undefined
      return { code: String(at.code), message: at.message, constraint }
    }
  }
  throw error
}

/** The server's code for why `work` failed; `none` when it did not. */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'none'
  } catch (error) {
    return serverFault(error).code
  }
}

class Undo extends Error {}

/** Runs `work` in a transaction of the owner that is undone whatever it did: roles and tables made in it never existed. */
export async function undone<Result>(
  owner: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await owner.connect()
  try {
    await client.query('begin')
    return await work(client)
  } finally {
    await client.query('rollback')
    client.release()
  }
}

/** The same for a transaction of the program: for statements that would succeed and are not meant to last. */
export async function undoneWithin<Result>(
  run: (work: () => Promise<never>) => Promise<unknown>,
  work: () => Promise<Result>,
): Promise<Result> {
  const results: Result[] = []
  try {
    await run(async () => {
      results.push(await work())
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  }
  const [result] = results
  if (result === undefined) throw new Error('the work gave no result')
  return result
}

/** A statement within an open transaction, undone at once, so that its failure does not abort what follows. */
export async function attempt(client: Queryable, work: () => Promise<unknown>): Promise<ServerFault> {
  await client.query('savepoint attempt')
  try {
    await work()
    return { code: 'none', message: '', constraint: undefined }
  } catch (error) {
    return serverFault(error)
  } finally {
    await client.query('rollback to savepoint attempt')
  }
}
