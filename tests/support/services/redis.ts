import { Redis } from 'ioredis'
import { findOnPath, versionAtLeast } from './command.ts'
import { dockerEngine, startContainer } from './docker.ts'
import { environmentRung, type Found, type Rung, type Tools } from './ladder.ts'
import { freePort, type RunningServer, retryingPortClash, startServer, temporaryFolder } from './process.ts'

const leastVersion = '7.0'
const dockerImage = 'redis:7'
const connectMs = 3_000

export function redisRungs({ environment, apt }: Tools): Rung[] {
  return [
    environmentRung('TEST_REDIS_URL', environment, inspected),
    { how: 'running', attempt: () => inspected('redis://127.0.0.1:6379') },
    { how: 'binary', attempt: () => startBinary(environment) },
    { how: 'docker', attempt: () => startInDocker(environment) },
    {
      how: 'installed',
      async attempt() {
        await apt.install(['redis-server'])
        return startBinary(environment)
      },
    },
  ]
}

async function inspected(url: string): Promise<Found> {
  return { details: { url, version: await versionOf(url) } }
}

async function versionOf(url: string): Promise<string> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: connectMs,
    commandTimeout: connectMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  let failure: Error | undefined
  redis.on('error', error => {
    failure = error // Its message names the cause; the rejected command only says that the connection closed.
  })
  try {
    await redis.connect()
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1]
    if (version === undefined || !versionAtLeast(version, leastVersion))
      throw new Error(`Redis ${version ?? 'of unknown version'} is older than ${leastVersion}`)
    return version
  } catch (error) {
    throw failure ?? error
  } finally {
    redis.disconnect()
  }
}

export interface LocalRedis {
  readonly url: string
  readonly port: number
  readonly version: string
  /** Stopped like this it takes connections and never answers. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  /** Ends it; everything it knew is gone. */
  down(): Promise<void>
  /** Starts it again, at the same address. */
  up(): Promise<void>
  stop(): Promise<void>
}

/** A server of our own on a random port of 127.0.0.1, gone after stop(). */
export async function startLocalRedis(
  environment: NodeJS.ProcessEnv,
  more: readonly string[] = [],
  password = '',
): Promise<LocalRedis> {
  const command = findOnPath(['redis-server'], environment)
  if (command === undefined) throw new Error('there is no redis-server on PATH')
  return retryingPortClash(async () => {
    const port = await freePort()
    const url = `redis://${password && `:${password}@`}127.0.0.1:${port}`
    const folder = temporaryFolder('redis')
    let version = ''
    const begin = () =>
      startServer({
        name: 'redis-server',
        command,
        args: [...redisArguments(port, folder.path), ...more],
        ready: async () => {
          version = await versionOf(url)
        },
        deadlineMs: 15_000,
        graceMs: 5_000,
      })
    try {
      let server: RunningServer | undefined = await begin()
      const signal = (name: NodeJS.Signals) => {
        if (server) process.kill(server.pid, name)
      }
      const down = async () => {
        // A stopped process does not see SIGTERM before it goes on.
        signal('SIGCONT')
        await server?.stop()
        server = undefined
      }
      const up = async () => {
        server ??= await begin()
      }
      const stop = async () => {
        await down()
        folder.remove()
      }
      return { url, port, version, signal, down, up, stop }
    } catch (error) {
      folder.remove()
      throw error
    }
  })
}

async function startBinary(environment: NodeJS.ProcessEnv): Promise<Found> {
  const { url, version, stop } = await startLocalRedis(environment)
  return { details: { url, version }, stop }
}

function redisArguments(port: number, folder: string): string[] {
  const nothingKept = ['--save', '', '--appendonly', 'no']
  return ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--daemonize', 'no', ...nothingKept]
}

async function startInDocker(environment: NodeJS.ProcessEnv): Promise<Found> {
  const docker = await dockerEngine(environment)
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let version = ''
  const container = await startContainer(docker, {
    image: dockerImage,
    publish: [`127.0.0.1:${port}:6379`],
    ready: async () => {
      version = await versionOf(url)
    },
  })
  return { details: { url, version }, stop: container.stop }
}
