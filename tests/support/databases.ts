import { randomBytes } from 'node:crypto'
import { cpSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { startEmbedded } from '../../src/db/embedded/index.ts'
import type { PoolSettings } from '../../src/db/index.ts'
import { createLog } from '../../src/kernel/index.ts'
import { dropDatabase } from './globalSetup.ts'
import { throwawayFolder } from './throwaway.ts'

export type DatabaseKind = 'embedded' | 'PostgreSQL'

/** The kinds that rules about data are tested on. PostgreSQL is left out only where it could not be had, which the run reports. */
export const databaseKinds: readonly DatabaseKind[] = inject('services').postgres
  ? ['embedded', 'PostgreSQL']
  : ['embedded']

export interface TestDatabase {
  readonly connection: PoolSettings['connection']
  /** The same for `pg`, as superuser: for looking behind the program's back. */
  readonly owner: pg.Pool
  drop(): Promise<void>
}

/** A migrated database of one's own, cloned from the template. */
export const createTestDatabase = (kind: DatabaseKind): Promise<TestDatabase> =>
  kind === 'embedded' ? copyEmbedded() : cloneTemplate()

async function cloneTemplate(): Promise<TestDatabase> {
  const { postgres } = inject('services')
  if (!postgres) throw new Error('PostgreSQL could not be had')
  const name = `parley_test_${randomBytes(6).toString('hex')}`
  const admin = new pg.Client({ connectionString: postgres.url })
  await admin.connect()
  await admin.query(`create database ${name} template ${postgres.template}`)
  // As in the server that tests start themselves: who crashes a server takes one of those, and no other commit need wait for the disk.
  await admin.query(`alter database ${name} set synchronous_commit = off`)
  await admin.end()
  const target = new URL(postgres.url)
  target.pathname = `/${name}`
  const owner = ownerPool({ connectionString: target.href })
  return {
    connection: { url: target.href },
    owner,
    drop: async () => {
      await owner.end()
      await dropDatabase(postgres.url, name)
    },
  }
}

async function copyEmbedded(): Promise<TestDatabase> {
  const folder = await copyOfEmbeddedTemplate()
  const embedded = await startEmbedded({ folder, log: createLog({ level: 'error' }) })
  const owner = ownerPool(embedded.connection)
  return {
    connection: embedded.connection,
    owner,
    drop: async () => {
      await owner.end()
      await embedded.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export async function copyOfEmbeddedTemplate(into?: string): Promise<string> {
  const folder = into ?? (await mkdtemp(join(throwawayFolder, 'parley-db-')))
  // More than a thousand small files: without promises this takes a tenth of the processor.
  cpSync(inject('services').embeddedTemplate, folder, { recursive: true })
  return folder
}

function ownerPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ ...config, max: 2 })
  // Tests cut connections on purpose; the queries that suffer fail by themselves.
  pool.on('error', () => undefined)
  return pool
}
