import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AptEntry, asSourceEntry, debianArchive, machineAptEntries } from './apt-sources.ts'
import { findOnPath, run } from './command.ts'
import { temporaryFolder } from './process.ts'
import type { Log } from './types.ts'

export interface SourcePackage {
  name: string
  version: string
  suite: string
}

/** Debian's package manager, for root on Debian; elsewhere every call throws the reason. Calls wait for each other. */
export interface Apt {
  /** Never upgrades what is there: the machine is not ours. */
  install(packages: readonly string[]): Promise<void>
  candidateVersion(name: string): Promise<string | undefined>
  /** Unpacks a source package of another Debian suite into a folder, leaving the machine's sources as they are. */
  unpackSource(source: SourcePackage, folder: string): Promise<void>
}

const aptMs = 10 * 60_000
const unattended = {
  DEBIAN_FRONTEND: 'noninteractive',
  DEBIAN_PRIORITY: 'critical',
  NEEDRESTART_SUSPEND: '1',
}
const keepingSettings = ['-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold']

export function createApt(environment: NodeJS.ProcessEnv, log: Log): Apt {
  const env = { ...environment, ...unattended, LC_ALL: 'C.UTF-8' }
  const aptGet = (args: readonly string[], cwd?: string) =>
    run('apt-get', ['-q', '-y', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      timeoutMs: aptMs,
      env,
      ...(cwd === undefined ? {} : { cwd }),
    })
  let updated: Promise<unknown> | undefined
  const updateOnce = () => {
    updated ??= aptGet(['update'])
    return updated
  }

  // Services are provided side by side, but apt takes one lock for the whole machine.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(async () => {
      assertUsable(environment)
      return work()
    })
    last = turn.catch(() => undefined)
    return turn
  }

  return {
    install: packages =>
      inTurn(async () => {
        await updateOnce()
        log(`apt: installing ${packages.join(' ')}`)
        await aptGet(['install', '--no-install-recommends', '--no-upgrade', ...keepingSettings, ...packages])
      }),
    candidateVersion: name =>
      inTurn(async () => {
        await updateOnce()
        const policy = await run('apt-cache', ['policy', name], { timeoutMs: 60_000, env })
        const candidate = /Candidate: (\S+)/.exec(policy)?.[1]
        return candidate === '(none)' ? undefined : candidate
      }),
    unpackSource: (source, folder) =>
      inTurn(async () => {
        log(`apt: source of ${source.name} ${source.version} from ${source.suite}`)
        const archive = debianArchive(machineAptEntries(), releaseField('VERSION_CODENAME') ?? '')
        await unpackFrom(archive, source, folder, aptGet)
      }),
  }
}

async function unpackFrom(
  archive: AptEntry,
  source: SourcePackage,
  folder: string,
  aptGet: (args: readonly string[], cwd?: string) => Promise<string>,
): Promise<void> {
  const scratch = temporaryFolder('apt')
  try {
    const list = join(scratch.path, 'source.sources')
    const lists = join(scratch.path, 'lists')
    writeFileSync(list, asSourceEntry(archive, source.suite))
    mkdirSync(join(lists, 'partial'), { recursive: true })
    const apart = [
      `Dir::Etc::sourcelist=${list}`,
      'Dir::Etc::sourceparts=/dev/null',
      `Dir::State::lists=${lists}`,
      // Else apt would write a cache of these lists over the machine's own.
      'Dir::Cache::pkgcache=',
      'Dir::Cache::srcpkgcache=',
      // Its own unprivileged user may not write into our scratch folder.
      'APT::Sandbox::User=root',
    ].flatMap(option => ['-o', option])
    await aptGet([...apart, 'update'])
    await aptGet([...apart, 'source', `${source.name}=${source.version}`], folder)
  } finally {
    scratch.remove()
  }
}

function assertUsable(environment: NodeJS.ProcessEnv): void {
  const family = `${releaseField('ID') ?? ''} ${releaseField('ID_LIKE') ?? ''}`.split(' ')
  if (!family.includes('debian')) throw new Error('apt: this is no Debian')
  if (findOnPath(['apt-get'], environment) === undefined) throw new Error('apt: there is no apt-get')
  if (process.getuid?.() !== 0) throw new Error('apt: we are not root, so nothing can be installed')
}

function releaseField(field: string): string | undefined {
  if (!existsSync('/etc/os-release')) return undefined
  const line = new RegExp(`^${field}="?([^"\\n]*)"?$`, 'm').exec(readFileSync('/etc/os-release', 'utf8'))
  return line?.[1]
}
