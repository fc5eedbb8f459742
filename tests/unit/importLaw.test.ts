import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')

const roomPackages = 'rooms-import-only-zod-drizzle-orm'

/** Files that break the law, and the rule that must catch each. */
const planted: Readonly<Record<string, readonly [string, string]>> = {
  'src/contacts/reachesUp.ts': [
    'contacts-calls-no-room-above-it',
    `export { chatRoutes } from '../chat/index.ts'`,
  ],
  'src/kernel/reachesDb.ts': [
    'kernel-reaches-only-protocol',
    `export type { Database } from '../db/index.ts'`,
  ],
  'src/http/knowsRooms.ts': [
    'http-reaches-only-protocol-kernel-db',
    `export { contactRoutes } from '../contacts/index.ts'`,
  ],
  'src/client/weighsZod.ts': ['client-takes-types', `export { protocolVersion } from '../protocol/index.ts'`],
  'src/client/usesNode.ts': ['client-takes-types', `export { randomUUID } from 'node:crypto'`],
  'widget/app/weighsZod.ts': [
    'widget-takes-client-and-types',
    `export { protocolVersion } from '../../src/protocol/index.ts'`,
  ],
  'widget/loader/drawsChat.ts': ['loader-is-alone', `export { mount } from '../app/main.tsx'`],
  'src/http/drawsChat.ts': ['widget-is-not-the-server', `export { mount } from '../../widget/app/main.tsx'`],
  'src/protocol/usesPg.ts': ['protocol-imports-only-zod', `export { Pool } from 'pg'`],
  'src/widgets/takesEffect.ts': [
    'effects-are-passed-in',
    `export { createMailer } from '../providers/mail.ts'`,
  ],
  'src/chat/usesTestTool.ts': ['no-dev-dependencies-in-the-product', `export { test } from 'vitest'`],

  'src/util/peek.ts': ['no-unlisted-place-imports', `export { chatRoutes } from '../chat/index.ts'`],
  'src/contacts/peeks.ts': ['no-unlisted-place-imported', `export { chatRoutes } from '../util/peek.ts'`],
  'src/peek.ts': ['no-unlisted-place-imports', `export { chatRoutes } from './chat/index.ts'`],
  'src/contacts/peeksOutside.ts': [
    'product-stays-in-src',
    `export { chatRoutes } from '../../tools/peek.ts'`,
  ],
  'src/db/readsConfig.ts': ['only-main-sees-everything', `export { loadConfig } from '../config.ts'`],
  'src/kernel/readsDataFolder.ts': ['only-main-sees-everything', `import '../dataFolder.ts'`],
  'src/dataFolder.ts': ['only-main-sees-everything', `import './main.ts'`],

  'src/chat/reachesInside.ts': [
    'by-their-doors',
    `export { createContact } from '../contacts/createContact.ts'`,
  ],
  'src/chat/reachesInsideDb.ts': ['by-their-doors', `export type { Pool } from '../db/pool.ts'`],
  'src/chat/reachesInsideHttp.ts': ['by-their-doors', `export { serve } from '../http/serve.ts'`],
  'src/chat/reachesEngine.ts': ['by-their-doors', `export * from '../db/embedded/index.ts'`],
  'src/http/reachesInsideDb.ts': ['by-their-doors', `export type { Pool } from '../db/pool.ts'`],
  'src/chat/takesTables.ts': [
    'tables-by-tables-and-statements',
    `export { contacts } from '../contacts/schema.ts'`,
  ],
  'src/chat/takesColumns.ts': ['columns-for-tables', `export { tenantId } from '../db/columns.ts'`],
  'src/chat/writesSql.ts': ['statements-in-stores', `export { eq } from 'drizzle-orm'`],
  'src/chat/definesTable.ts': ['statements-in-stores', `export { pgTable } from 'drizzle-orm/pg-core'`],
  'src/http/writesSql.ts': ['statements-in-stores', `export { eq } from 'drizzle-orm'`],

  'src/chat/usesPg.ts': ['connections-in-db-and-providers', `export { Pool } from 'pg'`],
  'src/chat/usesPgType.ts': ['connections-in-db-and-providers', `export type { Pool } from 'pg'`],
  'src/chat/usesRedis.ts': [
    'connections-in-db-and-providers',
    `export const redis = () => import('ioredis')`,
  ],
  'src/http/usesJobs.ts': ['connections-in-db-and-providers', `export { PgBoss } from 'pg-boss'`],
  'src/kernel/usesPglite.ts': [
    'connections-in-db-and-providers',
    `export { PGlite } from '@electric-sql/pglite'`,
  ],
  'src/chat/connectionStore.ts': [
    'connections-in-db-and-providers',
    `export { drizzle } from 'drizzle-orm/node-postgres'`,
  ],
  'src/http/limits.ts': ['connections-handed-over-are-types', `export { Redis } from 'ioredis'`],

  'src/chat/usesFiles.ts': [roomPackages, `export { readFile } from 'node:fs/promises'`],
  'src/chat/usesOldFiles.ts': [roomPackages, `export { readFile } from 'fs'`],
  'src/chat/usesSockets.ts': [roomPackages, `export { connect } from 'node:net'`],
  'src/chat/usesProcesses.ts': [roomPackages, `export { spawn } from 'node:child_process'`],
  'src/chat/usesMail.ts': [roomPackages, `export { createTransport } from 'nodemailer'`],
  'src/chat/usesAccounts.ts': [roomPackages, `export { betterAuth } from 'better-auth'`],
  'src/tenancy/usesFiles.ts': [
    'tenancy-import-only-zod-drizzle-orm-better-auth-@better-auth',
    `export { readFile } from 'node:fs'`,
  ],

  'src/chat/cycleA.ts': ['no-cycles', `import { b } from './cycleB.ts'\nexport const a = () => b`],
  'src/widgets/red/a.ts': ['no-folder-cycles', `export { a } from '../blue/a.ts'`],
}

/** What the planted files need beside them; a cycle is reported at one of its ends. */
const beside: Readonly<Record<string, string>> = {
  'src/chat/cycleB.ts': `import { a } from './cycleA.ts'\nexport const b = () => a`,
  'src/widgets/red/b.ts': `export const b = 1`,
  'src/widgets/blue/a.ts': `export const a = 1`,
  'src/widgets/blue/b.ts': `export { b } from '../red/b.ts'`,
  'tools/peek.ts': `export { chatRoutes } from '../src/chat/index.ts'`,
}

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-law-'))
  for (const part of ['src', 'widget', 'package.json', 'tsconfig.json', '.dependency-cruiser.cjs']) {
    await cp(join(root, part), join(folder, part), { recursive: true })
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

test('the product keeps the import law', async () => {
  expect(await cruise()).toEqual([])
})

test('the import law catches every kind of breach', async () => {
  const files = [
    ...Object.entries(planted).map(([file, [, text]]) => [file, text] as const),
    ...Object.entries(beside),
  ]
  for (const [file, text] of files) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), `${text}\n`)
  }
  const breaches = await cruise()
  for (const [file, [rule]] of Object.entries(planted)) {
    const from = rule === 'no-folder-cycles' ? dirname(file) : file
    expect.soft(breaches, file).toContainEqual({ rule, from })
  }
})

interface Report {
  readonly summary: {
    readonly violations: readonly { readonly rule: { readonly name: string }; readonly from: string }[]
  }
}

async function cruise(): Promise<{ rule: string; from: string }[]> {
  const output = await new Promise<string>((resolve, reject) => {
    const args = [
      join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs'),
      '--config',
      '.dependency-cruiser.cjs',
    ]
    execFile(
      process.execPath,
      [...args, '--output-type', 'json', 'src', 'widget'],
      { cwd: folder, maxBuffer: 1 << 26 },
      (error, stdout) => {
        // Breaches make it exit with their number; only a run that printed nothing went wrong.
        if (stdout) resolve(stdout)
        else reject(error ?? new Error('dependency-cruiser printed nothing'))
      },
    )
  })
  const report: Report = JSON.parse(output)
  return report.summary.violations.map(({ rule, from }) => ({ rule: rule.name, from }))
}
