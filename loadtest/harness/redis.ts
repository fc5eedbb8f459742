import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findOnPath } from '../../tests/support/services/command.ts'
import { freePort, type RunningServer, startServer } from '../../tests/support/services/process.ts'
import type { BenchmarkContext } from './benchmark.ts'

export interface OwnRedis {
  readonly url: string
  readonly version: string
  stop(): Promise<void>
  /** On the same port. */
  startAgain(): Promise<void>
}

/** A Redis that nobody else uses: whoever shares one hears of the others, and nobody may stop it. */
export async function ownRedis({ undo }: Pick<BenchmarkContext, 'undo'>): Promise<OwnRedis> {
  const command = findOnPath(['redis-server'], process.env)
  if (command === undefined) throw new Error('there is no redis-server on PATH')
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-redis-'))
  undo.defer(() => rm(folder, { recursive: true, force: true }))
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const keepNothing = ['--save', '', '--appendonly', 'no', '--daemonize', 'no', '--dir', folder]
  const args = ['--port', String(port), '--bind', '127.0.0.1', ...keepNothing]
  let version = 'unknown'
  const ready = async () => {
    version = await versionOf(url)
  }
  const start = () =>
    startServer({ name: 'redis-server', command, args, ready, deadlineMs: 10_000, graceMs: 3_000 })
  let server: RunningServer | undefined = await start()
  const stop = async () => {
    const running = server
    server = undefined
    await running?.stop()
  }
  undo.defer(stop)
  return {
    url,
    version,
    stop,
    startAgain: async () => {
      server = await start()
    },
  }
}

async function versionOf(url: string): Promise<string> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null })
  // The rejected command says the same.
  redis.on('error', () => undefined)
  try {
    await redis.connect()
    return /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? 'unknown'
  } finally {
    redis.disconnect()
  }
}
