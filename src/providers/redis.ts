import { Cluster, Redis } from 'ioredis'
import type { Secret } from '../kernel/index.ts'

/** One Redis, or several nodes of a Redis Cluster that the others are found by. */
export interface RedisAddress {
  readonly urls: readonly Secret[]
  readonly cluster: boolean
}

type Client = Redis | Cluster

const retryStrategy = (times: number) =>
  Math.min(50 * 2 ** Math.min(times, 5), 1_000) * (0.5 + Math.random() / 2)

/** For commands. Without its offline queue: one that is given during an outage fails at once instead of stalling whoever waits for it. */
export function openRedis(address: RedisAddress, commandTimeout: number): Client {
  const client = open(address, {
    ...{ enableOfflineQueue: false, commandTimeout },
    // What was on its way when the connection ended may have been carried out, and none of it is worth a second try.
    maxRetriesPerRequest: 0,
  })
  // The first command to a node of a cluster opens the connection to it, and those behind it would be refused.
  if (client instanceof Cluster)
    client.on('+node', (node: Redis) => {
      // Why it failed is told by `node error`; the next look at the cluster tries again.
      if (!node.options.readOnly) node.connect().catch(() => undefined)
    })
  return client
}

/** For sharded subscriptions. Those asked for during an outage are made when it ends, as far as one Redis is concerned. */
export const openSubscriber = (address: RedisAddress): Client =>
  open(address, { enableOfflineQueue: !address.cluster, maxRetriesPerRequest: null }, true)

interface Options {
  readonly enableOfflineQueue: boolean
  readonly maxRetriesPerRequest: number | null
  readonly commandTimeout?: number
}

function open({ urls, cluster }: RedisAddress, own: Options, shardedSubscribers = false): Client {
  const options = { ...own, connectTimeout: 2_000, keepAlive: 5_000 }
  const addresses = urls.map(url => url.reveal())
  const [first = ''] = addresses
  if (!cluster) return new Redis(first, { ...options, retryStrategy })
  const { protocol, username, password } = new URL(first)
  return new Cluster(addresses, {
    // What an address says of who comes, and how, counts for that node alone unless it is said of all.
    redisOptions: {
      ...options,
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
      ...(protocol === 'rediss:' && { tls: {} }),
    },
    enableOfflineQueue: options.enableOfflineQueue,
    clusterRetryStrategy: retryStrategy,
    shardedSubscribers,
    // A master that hangs breaks no connection, and who has taken its place must be found out all the same.
    slotsRefreshInterval: 10_000,
    slotsRefreshTimeout: 2_000,
    // While a master is away its commands fail at once, as they do without a cluster: nobody waits for it to come back.
    ...{ maxRedirections: 4, retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 },
    // Certificates name hosts, not what they resolve to.
    dnsLookup: (host, done) => done(null, host),
  })
}
