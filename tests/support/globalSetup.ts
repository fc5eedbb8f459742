import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbedded } from '../../src/db/embedded/index.ts'
import { createJobs, createPool, migrate, type PoolSettings } from '../../src/db/index.ts'
import { createLog, createMetrics } from '../../src/kernel/index.ts'
import { buildWidget } from '../../widget/bundle.ts'
import { type Missing, provideServices, type Services, serviceNames } from './services/index.ts'
import { throwawayFolder } from './throwaway.ts'

/** Where the tests find their services; undefined: it could not be had. */
export interface TestServices {
  readonly postgres: { readonly url: string; readonly template: string } | undefined
  readonly redis: { readonly url: string } | undefined
  readonly chromium: { readonly path: string } | undefined
  readonly haproxy: { readonly path: string } | undefined
  /** With a bucket that is empty at the start of a run. */
  readonly s3:
    | { endpoint: string; bucket: string; region: string; accessKeyId: string; secretAccessKey: string }
    | undefined
  /** A migrated folder of the embedded database, to be copied. */
  readonly embeddedTemplate: string
}

declare module 'vitest' {
  interface ProvidedContext {
    services: TestServices
  }
}

/** No test meets anybody yet, and where LiveKit has to be built that takes minutes. */
const asked = serviceNames.filter(name => name !== 'livekit')

export const missingServices: Missing[] = []

/** Provides every service once for the whole run, and migrated templates that each test file clones. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const services = await provideServices(asked, line => console.log(line))
  missingServices.push(...services.missing)
  if (process.env.CI === 'true' && services.missing.length > 0) {
    await services.stop()
    throw new Error(services.missing.map(({ name, reasons }) => `${name}: ${reasons.join('; ')}`).join('\n'))
  }
  const [postgres, embedded] = await Promise.all([
    prepareTemplate(services),
    prepareEmbedded(),
    // So that what browsers load is what stands in the tree, and not what was built once.
    buildWidget(),
  ])
  project.provide('services', {
    postgres,
    redis: details(services, 'redis'),
    chromium: details(services, 'chromium'),
    haproxy: details(services, 'haproxy'),
    s3: details(services, 's3'),
    embeddedTemplate: embedded,
  })
  return async () => {
    if (postgres) await dropDatabase(postgres.url, postgres.template)
    await rm(embedded, { recursive: true, force: true })
    await services.stop()
  }
}

const details = (services: Services, name: Missing['name']) => services.provided.get(name)?.details as never

async function prepareTemplate(services: Services) {
  const url = services.provided.get('postgres')?.details.url
  if (url === undefined) return undefined
  const template = `parley_template_${randomBytes(6).toString('hex')}`
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(`create database ${template}`)
  await admin.end()
  const target = new URL(url)
  target.pathname = `/${template}`
  await migrateOnce({ url: target.href })
  return { url, template }
}

async function prepareEmbedded(): Promise<string> {
  const folder = await mkdtemp(join(throwawayFolder, 'parley-template-'))
  const log = createLog({ level: 'warn' })
  const embedded = await startEmbedded({ folder, log })
  await migrateOnce(embedded.connection)
  await embedded.stop()
  return folder
}

async function migrateOnce(connection: PoolSettings['connection']): Promise<void> {
  const log = createLog({ level: 'warn' })
  const pool = createPool({ connection, max: 2, statementTimeoutMs: 0 }, log)
  await migrate(pool)
  const jobs = createJobs({ pool, log, metrics: createMetrics() })
  await jobs.start([])
  await jobs.stop()
  await pool.end()
}

export async function dropDatabase(url: string, name: string): Promise<void> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  await admin.query(`drop database if exists ${name} with (force)`)
  await admin.end()
}
