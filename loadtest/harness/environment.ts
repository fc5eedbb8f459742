import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)

/** What a figure means nothing without. Services' versions are added by the benchmark that used them. */
export interface Environment {
  readonly node: string
  readonly parley: string
  readonly cores: number
  readonly cpu: string
  /** Of the last minute, before the run: anything near `cores` says that others were using the machine. */
  readonly load: number
  readonly commit: string
  /** Whether the tree held anything that is not in `commit`. */
  readonly dirty: boolean
  readonly date: string
  readonly short: boolean
}

export async function environment(short: boolean): Promise<Environment> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return {
    node: process.versions.node,
    parley: version,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    ...(await commit()),
    date: new Date().toISOString(),
    short,
  }
}

async function commit(): Promise<{ commit: string; dirty: boolean }> {
  try {
    const head = await run('git', ['rev-parse', 'HEAD'], { cwd: root })
    const status = await run('git', ['status', '--porcelain'], { cwd: root })
    return { commit: head.stdout.trim(), dirty: status.stdout !== '' }
  } catch {
    // Unpacked from an archive, or no git: the figures stand without it, but cannot be traced.
    return { commit: 'unknown', dirty: true }
  }
}
