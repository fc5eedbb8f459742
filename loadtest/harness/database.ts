import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPool, migrate, type Pool, type PoolSettings } from '../../src/db/index.ts'
import { provideServices } from '../../tests/support/services/index.ts'
import type { BenchmarkContext } from './benchmark.ts'
import { type CpuReading, commandLine, readCpu } from './processes.ts'

export interface TemporaryDatabase {
  readonly connection: PoolSettings['connection']
  readonly serverVersion: string
  /** As its owner, a superuser: for preparing data. */
  readonly owner: Pool
  /** CPU seconds that the server has spent on this database's connections; none are seen when it runs elsewhere. */
  serverCpu(): Promise<CpuReading>
}

/** A service that is found or started; what was started is stopped at the end. */
export async function service(
  name: 'postgres' | 'redis',
  { undo, progress }: Pick<BenchmarkContext, 'undo' | 'progress'>,
): Promise<{ readonly url: string; readonly version: string }> {
  const services = await provideServices([name], progress)
  undo.defer(() => services.stop())
  const { url, version = 'unknown' } = services.provided.get(name)?.details ?? {}
  if (url !== undefined) return { url, version }
  throw new Error(`no ${name}: ${services.missing.flatMap(missing => missing.reasons).join('; ')}`)
}

/** A migrated, empty database of its own on a real PostgreSQL, which is found or started. Dropped at the end. */
export async function temporaryDatabase(context: BenchmarkContext): Promise<TemporaryDatabase> {
  const { undo, log } = context
  const { url: server } = await service('postgres', context)

  const name = `parley_bench_${randomBytes(6).toString('hex')}`
  const admin = createPool({ connection: { url: server }, max: 1, statementTimeoutMs: 0 }, log)
  undo.defer(() => admin.end())
  await admin.query(`create database ${name}`)
  undo.defer(() => drop(admin, name))

  const url = new URL(server)
  url.pathname = name
  const connection = { url: url.href }
  const owner = createPool({ connection, max: 1, statementTimeoutMs: 0 }, log)
  undo.defer(() => owner.end())
  await migrate(owner)
  const { rows } = await owner.query<{ server_version: string }>('show server_version')

  return {
    connection,
    serverVersion: rows[0]?.server_version ?? 'unknown',
    owner,
    serverCpu: async () => {
      const backends = await admin.query<{ pid: number }>(
        'select pid from pg_stat_activity where datname = $1',
        [name],
      )
      // A backend shows its database; a pid from a container's own numbering belongs to somebody else here.
      return readCpu(backends.rows.map(row => row.pid).filter(pid => commandLine(pid)?.includes(name)))
    },
  }
}

async function drop(admin: Pool, name: string): Promise<void> {
  // A pool that has ended has only asked its connections to; whoever is still there after a while is forced.
  for (let attempt = 0; attempt < 50; attempt++) {
    const left = await admin.query('select from pg_stat_activity where datname = $1', [name])
    if (left.rowCount === 0) break
    await sleep(20)
  }
  await admin.query(`drop database ${name} with (force)`)
}
