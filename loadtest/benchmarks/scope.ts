import { and, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { contacts } from '../../src/contacts/schema.ts'
import {
  createDatabase,
  createJobs,
  createPool,
  type Database,
  type Pool,
  type QueryBuilder,
} from '../../src/db/index.ts'
import { createMetrics, newId, type Scope, systemScope } from '../../src/kernel/index.ts'
import { tenants } from '../../src/tenancy/schema.ts'
import type { Benchmark, BenchmarkContext, Metrics, Outcome } from '../harness/benchmark.ts'
import { closedLoop } from '../harness/closedLoop.ts'
import { type TemporaryDatabase, temporaryDatabase } from '../harness/database.ts'
import { secondsBetween } from '../harness/processes.ts'
import { interleave, medians, type Side } from '../harness/rounds.ts'

const tenantCount = 4
const contactsPerTenant = 2_000
const connections = 8
// Four per connection: whenever one is handed back somebody is waiting for it, so that neither side is measured while idle.
const inFlight = 4 * connections
const rounds = 7

interface Row {
  readonly scope: Scope
  readonly id: string
}
type Read = (row: Row) => Promise<{ readonly tenantId: string; readonly id: string }[]>
type SideName = 'plain' | 'scoped'

/** What isolation costs at its most expensive: the least work that a transaction can do, a read of one row by its key. */
export const scope: Benchmark = {
  name: 'scope',
  summary: `reads of one row by key in scoped transactions, against the same reads on the owner's connections`,
  targets: [{ key: 'ratio', comparison: '>=', value: 0.6 }],
  run,
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const database = await temporaryDatabase(context)
  const plainPool = openPool(database, context)
  const scopedPool = openPool(database, context)

  context.progress(`preparing ${tenantCount} tenants with ${contactsPerTenant} contacts each`)
  const rows = await prepare(drizzle(database.owner))
  await database.owner.query('analyze')

  const db = productDatabase(scopedPool, context)
  const sides = [
    sideOf('plain', plainRead(drizzle(plainPool)), rows, database),
    sideOf('scoped', scopedRead(db), rows, database),
  ]
  const measured = await interleave(sides, {
    rounds,
    warmUpMs: context.short ? 500 : 2_000,
    durationMs: context.short ? 1_000 : 3_000,
    progress: context.progress,
  })
  await assertIsolated(db, rows)

  const figures = measured.map(({ plain, scoped }) => ({
    // Of neighbours in time, so that a slow minute of the machine slows both.
    ratio: (scoped.tx_per_s ?? Number.NaN) / (plain.tx_per_s ?? Number.NaN),
    ...prefixed('scoped', scoped),
    ...prefixed('plain', plain),
  }))
  return { metrics: medians(figures), rounds: figures, versions: { postgres: database.serverVersion } }
}

/** The product's own settings on both sides. */
function openPool({ connection }: TemporaryDatabase, { log, undo }: BenchmarkContext): Pool {
  const settings = { connection, max: connections, statementTimeoutMs: 30_000 }
  return undo.adopt(createPool(settings, log), pool => pool.end())
}

function productDatabase(pool: Pool, { log }: BenchmarkContext): Database {
  const metrics = createMetrics()
  return createDatabase({ pool, log, metrics, jobs: createJobs({ pool, log, metrics }) })
}

async function prepare(owner: QueryBuilder): Promise<Row[]> {
  const rows: Row[] = []
  for (let tenant = 0; tenant < tenantCount; tenant++) {
    const tenantId = newId()
    await owner.insert(tenants).values({ id: tenantId, name: `Tenant ${tenant}`, slug: `tenant-${tenant}` })
    const people = Array.from({ length: contactsPerTenant }, (_, number) => ({
      tenantId,
      id: newId(),
      name: `Contact ${number}`,
      email: `contact-${number}@example.com`,
    }))
    await owner.insert(contacts).values(people)
    const tenantScope = systemScope(tenantId, 'benchmark')
    rows.push(...people.map(({ id }) => ({ scope: tenantScope, id })))
  }
  return rows
}

/** One query for both sides; only what it runs in differs. */
const query = (sql: QueryBuilder, { scope: { tenantId }, id }: Row) =>
  sql
    .select()
    .from(contacts)
    .where(and(eq(contacts.tenantId, tenantId), eq(contacts.id, id)))

const plainRead =
  (sql: QueryBuilder): Read =>
  async row =>
    query(sql, row)

const scopedRead =
  (db: Database): Read =>
  row =>
    db.scoped(row.scope, async tx => query(tx.sql, row))

function sideOf<Name extends SideName>(
  name: Name,
  read: Read,
  rows: readonly Row[],
  database: TemporaryDatabase,
): Side<Metrics> & { readonly name: Name } {
  // A stride that shares no factor with the number of rows visits all of them, tenants mixed, the same on both sides.
  const stride = 4_099
  let at = 0
  const operation = async () => {
    at = (at + stride) % rows.length
    const row = rows[at]
    if (row === undefined) throw new Error('there are no rows to read')
    const [found, ...others] = await read(row)
    if (found?.id !== row.id || found.tenantId !== row.scope.tenantId || others.length > 0) {
      throw new Error(`a ${name} read did not return exactly the row it asked for`)
    }
  }
  return {
    name,
    run: async durationMs => {
      const serverBefore = await database.serverCpu()
      const nodeBefore = process.cpuUsage()
      const loop = await closedLoop(inFlight, durationMs, operation)
      const node = process.cpuUsage(nodeBefore)
      const server = secondsBetween(serverBefore, await database.serverCpu())
      return {
        tx_per_s: loop.perSecond,
        p50_ms: loop.p50Ms,
        p99_ms: loop.p99Ms,
        node_cpu_us: (node.user + node.system) / loop.done,
        ...(server === undefined ? {} : { postgres_cpu_us: (server * 1e6) / loop.done }),
      }
    },
  }
}

/** The same query, asked from within another tenant. Unlike in the reads before, only the policies stand in its way. */
async function assertIsolated(db: Database, rows: readonly Row[]): Promise<void> {
  const row = rows[0]
  const stranger = rows.at(-1)?.scope
  if (row === undefined || stranger === undefined || stranger === row.scope) {
    throw new Error('there are not two tenants')
  }
  const found = await db.scoped(stranger, async tx => query(tx.sql, row))
  if (found.length > 0) throw new Error('a scoped read returned a row of another tenant')
}

const prefixed = (prefix: string, figures: Metrics): Metrics =>
  Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${prefix}_${key}`, value]))
