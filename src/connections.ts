import { join } from 'node:path'
import type { Cluster, Redis } from 'ioredis'
import type { Config } from './config.ts'
import { DataFolderUnusable } from './dataFolder.ts'
import { FolderInUse, lockFolder, startEmbedded } from './db/embedded/index.ts'
import * as database from './db/index.ts'
import * as gateways from './gateway/index.ts'
import type { Log, Metrics } from './kernel/index.ts'
import { parseAllowList } from './providers/allowList.ts'
import { createMcp } from './providers/createMcp.ts'
import { createDiskStore } from './providers/diskFiles.ts'
import type { FileStore } from './providers/files.ts'
import type { Mcp } from './providers/mcp.ts'
import { createOutgoing, type Outgoing } from './providers/outgoing.ts'
import { openRedis, openSubscriber, type RedisAddress } from './providers/redis.ts'

/** What the program is connected to. Each pushes how it is undone, which happens in the opposite order. */
export type Stops = (() => Promise<void> | void)[]

type Connection = database.PoolSettings['connection']

/** In the opposite order; what cannot be stopped must not keep the rest from being stopped. */
export async function stopAll(stops: Stops): Promise<void> {
  const faults: unknown[] = []
  for (const undo of stops.splice(0).reverse()) {
    try {
      await undo()
    } catch (fault) {
      faults.push(fault)
    }
  }
  if (faults.length > 0) throw new AggregateError(faults, 'not everything could be stopped')
}

/** Before anything else is taken: of two programs on one folder the second one must not get anywhere. */
export function lockData(config: Config, stops: Stops): void {
  if (config.database.url) return
  const lock = lockFolder(config.dataFolder, 'parley')
  stops.push(() => lock.release())
}

/** The database, brought up to date, behind its pool. */
export async function openDatabase(config: Config, log: Log, stops: Stops): Promise<database.Pool> {
  const connection = await reachDatabase(config, log, stops)
  // On the embedded database all transactions are serial, so more connections than these only wait in another place.
  const max = config.database.url ? config.database.poolSize : 6
  const pool = database.createPool({ connection, max, statementTimeoutMs: 10_000 }, log)
  stops.push(() => pool.end())
  await prepare(connection, log)
  return pool
}

async function reachDatabase(config: Config, log: Log, stops: Stops): Promise<Connection> {
  if (config.database.url) return { url: config.database.url.reveal() }
  const embedded = await startEmbedded({ folder: join(config.dataFolder, 'db'), log }).catch(error => {
    throw error instanceof FolderInUse ? error : new DataFolderUnusable(error.message, { cause: error })
  })
  stops.push(() => embedded.stop())
  return embedded.connection
}

/** On a connection of its own: a migration may take as long as it needs. */
async function prepare(connection: Connection, log: Log): Promise<void> {
  const pool = database.createPool({ connection, max: 1, statementTimeoutMs: 0 }, log)
  try {
    await database.untilReachable(pool, log, 60_000)
    await database.migrate(pool)
    await database.assertServingRoles(pool)
  } finally {
    await pool.end()
  }
}

/** For counting and for who is present; the bus has connections of its own. */
export function connectRedis(config: Config, log: Log, stops: Stops): Redis | Cluster | undefined {
  if (!config.redis) return undefined
  // One that hangs fails as soon as no working Redis would still answer; everyone who asks it goes on without.
  const redis = openRedis(config.redis, 300)
  redis.on('error', error => log.warn({ reason: error.message }, 'redis'))
  stops.push(() => redis.disconnect())
  return redis
}

/** Between the nodes; none where there is one. */
export function connectBus(
  config: Config,
  parts: { readonly log: Log; readonly metrics: Metrics },
  stops: Stops,
): gateways.Bus | undefined {
  if (!config.redis) return undefined
  const bus = gateways.connectBus(busClients(config.redis), parts)
  stops.push(() => bus.close())
  return bus
}

export const busClients = (address: RedisAddress): gateways.BusClients => ({
  publisher: openRedis(address, 2_000),
  subscriber: openSubscriber(address),
})

/** The ways to what tenants name: addresses, and servers of tools. */
export function openOutside(config: Config): { outgoing: Outgoing; mcp: Mcp } {
  const allowed = parseAllowList(config.outgoingAllowed)
  if (!allowed) throw new Error('the list of what may be reached was checked before')
  const outgoing = createOutgoing(allowed)
  return { outgoing, mcp: createMcp({ outgoing, commands: config.mcpCommands }) }
}

/** Where the files of conversations are kept. What speaks to S3 is large, so it is loaded only where it is used. */
export async function openFileStore(config: Config): Promise<FileStore> {
  const { s3 } = config.files
  if (s3) return (await import('./providers/s3Files.ts')).createS3Store(s3)
  return createDiskStore(join(config.dataFolder, 'files'))
}
