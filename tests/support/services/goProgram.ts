import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { findOnPath, isExecutable, run } from './command.ts'
import type { Tools } from './ladder.ts'

/** A program that `go install` builds into `${XDG_CACHE_HOME:-~/.cache}/parley-test/`, once for all runs. */
export interface GoProgram {
  readonly name: string
  readonly package: string
  readonly version: string
  /** What the build calls it: the last part of the package. */
  readonly built: string
}

const buildMs = 10 * 60_000

/** Where the program lies, on PATH or built before. */
export function findGoProgram(program: GoProgram, environment: NodeJS.ProcessEnv): string {
  const cached = cachedBinary(program, environment)
  const path = findOnPath([program.name], environment) ?? (isExecutable(cached) ? cached : undefined)
  if (path === undefined) throw new Error(`there is no ${program.name} on PATH or in the cache folder`)
  return path
}

export async function buildGoProgram(
  program: GoProgram,
  { environment, log }: Pick<Tools, 'environment' | 'log'>,
): Promise<string> {
  const go = findOnPath(['go'], environment)
  if (go === undefined) throw new Error(`there is no go to build ${program.name} with`)
  mkdirSync(cacheFolder(environment), { recursive: true })
  const target = cachedBinary(program, environment)
  const staging = mkdtempSync(`${target}.building-`)
  const goPackage = `${program.package}@${program.version}`
  try {
    log(`${program.name}: building ${goPackage}, which takes a few minutes the first time`)
    await run(go, ['install', goPackage], { timeoutMs: buildMs, env: { ...environment, GOBIN: staging } })
    const built = join(staging, program.built)
    chmodSync(built, 0o755)
    // Renamed only when whole, and on one file system: an interrupted build is never taken for a good one.
    renameSync(built, target)
    return target
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

const cachedBinary = ({ name, version }: GoProgram, environment: NodeJS.ProcessEnv): string =>
  join(cacheFolder(environment), `${name}-${version}`)

const cacheFolder = (environment: NodeJS.ProcessEnv): string =>
  join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'parley-test')
