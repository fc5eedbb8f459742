import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findOnPath, type Identity, isExecutable, run } from './command.ts'
import { inspect } from './postgres-inspection.ts'
import { freePort, retryingPortClash, startServer, temporaryFolder } from './process.ts'

const debianFolder = '/usr/lib/postgresql'
const leastMajor = 15
const initMs = 60_000
const startMs = 20_000
const lookupMs = 10_000

export interface LocalPostgres {
  url: string
  /** What `pg_ctl restart -m immediate` does: every connection breaks, and the server recovers from its write-ahead log. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/**
 * A cluster of our own in a temporary folder, on a random port of 127.0.0.1, gone after stop(). `keepsCommits`: what it said to be
 * committed is still there after a crash.
 */
export async function startLocalPostgres(
  environment: NodeJS.ProcessEnv,
  { keepsCommits = false }: { keepsCommits?: boolean } = {},
): Promise<LocalPostgres> {
  const binaries = await binaryFolder(environment)
  const identity = await unprivilegedIdentity()
  const folder = temporaryFolder('postgres', identity)
  try {
    const data = join(folder.path, 'data')
    await run(join(binaries, 'initdb'), initdbArguments(data), {
      timeoutMs: initMs,
      cwd: folder.path,
      ...(identity === undefined ? {} : { identity }),
    })
    return await retryingPortClash(async () => {
      const port = await freePort()
      const url = `postgres://postgres@127.0.0.1:${port}/postgres`
      const begin = () =>
        startServer({
          name: 'postgres',
          command: join(binaries, 'postgres'),
          args: ['-D', data, ...settings(port, keepsCommits)],
          cwd: folder.path,
          ...(identity === undefined ? {} : { identity }),
          ready: async () => {
            await inspect(url)
          },
          deadlineMs: startMs,
          // SIGTERM would wait for every client to leave; SIGINT sends them away.
          stopSignal: 'SIGINT',
          graceMs: 10_000,
        })
      let server = await begin()
      const crash = async () => {
        process.kill(server.pid, 'SIGQUIT')
        await server.stop()
        server = await begin()
      }
      const stop = async () => {
        await server.stop()
        folder.remove()
      }
      return { url, crash, stop }
    })
  } catch (error) {
    folder.remove()
    throw error
  }
}

/** The newest with pgvector beside it, else the newest. */
async function binaryFolder(environment: NodeJS.ProcessEnv): Promise<string> {
  const majors = existsSync(debianFolder) ? readdirSync(debianFolder).map(Number) : []
  const folders = majors
    .filter(major => major >= leastMajor)
    .sort((a, b) => b - a)
    .map(major => join(debianFolder, String(major), 'bin'))
  const onPath = findOnPath(['initdb'], environment)
  if (onPath !== undefined) folders.push(dirname(realpathSync(onPath)))
  const whole = folders.filter(folder =>
    ['initdb', 'postgres'].every(name => isExecutable(join(folder, name))),
  )
  if (whole.length === 0)
    throw new Error(`no PostgreSQL ${leastMajor}+ with initdb on PATH or in ${debianFolder}`)
  for (const folder of whole) {
    if (await hasPgvector(folder)) return folder
  }
  return whole[0] ?? ''
}

async function hasPgvector(folder: string): Promise<boolean> {
  const pgConfig = join(folder, 'pg_config')
  if (!isExecutable(pgConfig)) return false
  const shared = await run(pgConfig, ['--sharedir'], { timeoutMs: lookupMs })
  return existsSync(join(shared.trim(), 'extension', 'vector.control'))
}

/** PostgreSQL refuses to run as root, so root lends it the user that packages make for it, or nobody. */
async function unprivilegedIdentity(): Promise<Identity | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const user of ['postgres', 'nobody']) {
    try {
      const uid = Number(await run('id', ['-u', user], { timeoutMs: lookupMs }))
      const gid = Number(await run('id', ['-g', user], { timeoutMs: lookupMs }))
      return { uid, gid }
    } catch {
      // The next one.
    }
  }
  throw new Error('we are root, and there is no user postgres or nobody to run it as')
}

function initdbArguments(data: string): string[] {
  // One locale everywhere, or order and case would differ from machine to machine.
  const locale = process.platform === 'linux' ? 'C.UTF-8' : 'C'
  return [
    '--pgdata',
    data,
    '--username=postgres',
    '--auth=trust',
    '--encoding=UTF8',
    `--locale=${locale}`,
    '--no-sync',
  ]
}

function settings(port: number, keepsCommits: boolean): string[] {
  return [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    // The data is thrown away, so nothing is gained by surviving a power cut.
    'fsync=off',
    // Off, the last moments before a crash are lost: what was only on its way to the system's cache.
    `synchronous_commit=${keepsCommits ? 'on' : 'off'}`,
    'full_page_writes=off',
  ].flatMap(setting => ['-c', setting])
}
