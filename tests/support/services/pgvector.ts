import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Apt, SourcePackage } from './apt.ts'
import { run, versionAtLeast } from './command.ts'
import { temporaryFolder } from './process.ts'
import type { Log } from './types.ts'

export const leastPgvector = '0.8'

/** Debian has no pgvector for PostgreSQL 15; the source package of the suite after it builds against 15 as it is. */
const sourcePackage: SourcePackage = { name: 'pgvector', version: '0.8.0-1', suite: 'trixie' }
const debianFolder = '/usr/lib/postgresql/'
const shortMs = 10_000
const buildMs = 5 * 60_000

/** Puts pgvector's files beside the PostgreSQL of this pg_config; a running server sees them without a restart. */
export async function installPgvector(
  pgConfig: string,
  environment: NodeJS.ProcessEnv,
  apt: Apt,
  log: Log,
): Promise<void> {
  const asked = async (option: string) => (await run(pgConfig, [option], { timeoutMs: shortMs })).trim()
  const major = /PostgreSQL (\d+)/.exec(await asked('--version'))?.[1]
  if (major === undefined) throw new Error(`${pgConfig} gives no version`)
  const isDebians = (await asked('--pkglibdir')).startsWith(debianFolder)
  if (isDebians) {
    const packageName = `postgresql-${major}-pgvector`
    const candidate = await apt.candidateVersion(packageName)
    if (candidate !== undefined && versionAtLeast(candidate, leastPgvector)) return apt.install([packageName])
  }
  const serverHeaders = isDebians ? [`postgresql-server-dev-${major}`] : []
  await apt.install(['build-essential', 'dpkg-dev', ...serverHeaders])
  const extensionMakefile = await asked('--pgxs')
  if (!existsSync(extensionMakefile))
    throw new Error(`${extensionMakefile} is missing, so nothing can be built`)
  await buildFromSource(pgConfig, environment, apt, log)
}

async function buildFromSource(pgConfig: string, env: NodeJS.ProcessEnv, apt: Apt, log: Log): Promise<void> {
  const folder = temporaryFolder('pgvector')
  try {
    await apt.unpackSource(sourcePackage, folder.path)
    const unpacked = readdirSync(folder.path, { withFileTypes: true }).find(entry => entry.isDirectory())
    if (unpacked === undefined) throw new Error('the source package held no folder')
    const cwd = join(folder.path, unpacked.name)
    log(`pgvector: building for ${pgConfig}`)
    // OPTFLAGS: its default compiles for this very processor, and disks travel. Bitcode would need clang as well.
    const make = (...args: string[]) =>
      run('make', [...args, 'OPTFLAGS=', 'with_llvm=no', `PG_CONFIG=${pgConfig}`], {
        timeoutMs: buildMs,
        cwd,
        env,
      })
    await make(`-j${availableParallelism()}`)
    await make('install')
  } finally {
    folder.remove()
  }
}
