import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { parseConfig } from '../../src/config.ts'
import { createLog } from '../../src/kernel/index.ts'
import { type Running, start } from '../../src/main.ts'
import { createTestDatabase, type DatabaseKind } from './databases.ts'
import { testSecret } from './testSecret.ts'

export { testSecret }

export interface TestParley extends Running {
  /** The database behind the program's back, as superuser. */
  readonly owner: pg.Pool
  readonly dataFolder: string
  /** The program's own stop, and everything that was made for it removed. */
  remove(): Promise<void>
}

export interface StartedParley extends TestParley {
  /** Another start of the program on the same database and folder, on a port of its own; whoever asks for it stops it. */
  restart(environment?: Readonly<Record<string, string>>): Promise<Running>
}

/** The whole program in this process, on a random port and a database of its own. */
export async function startParley(
  kind: DatabaseKind,
  environment: Readonly<Record<string, string>> = {},
): Promise<StartedParley> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'parley-test-'))
  const database = await createTestDatabase(kind)
  const settings = {
    PORT: '0',
    PARLEY_DATA: dataFolder,
    PARLEY_SECRET: testSecret,
    DATABASE_URL: urlOf(database.connection),
    SEED_DEMO: 'false',
    REQUESTS_PER_MINUTE: '1000000',
    SIGN_INS_PER_MINUTE: '1000000',
    LOG_LEVEL: process.env.TEST_LOG ?? 'fatal',
    ...environment,
  }
  const begin = (more: Readonly<Record<string, string>> = {}) => {
    const config = parseConfig({ ...settings, ...more })
    return start(config, createLog({ level: config.logLevel }))
  }
  const running = await begin()
  return {
    ...running,
    owner: database.owner,
    dataFolder,
    restart: begin,
    remove: async () => {
      await running.stop()
      await database.drop()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}

/** An embedded database, too, is reached by an address: `pg` takes the folder of a socket as host. */
function urlOf(
  connection: { url: string } | { host: string; port: number; user: string; database: string },
): string {
  if ('url' in connection) return connection.url
  const { host, port, user, database } = connection
  return `postgresql://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
}
