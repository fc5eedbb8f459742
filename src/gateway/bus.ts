import { createShardedAdapter } from '@socket.io/redis-adapter'
import { Cluster, Redis } from 'ioredis'
import type { Namespace } from 'socket.io'
import type { Adapter } from 'socket.io-adapter'
import { type Log, type Metrics, newId } from '../kernel/index.ts'
import type { MakeAdapter } from './adapter.ts'

export interface BusSettings {
  readonly url: string
  /** Whether the address is that of one node of a Redis Cluster. */
  readonly cluster: boolean
}

/** What connects the nodes. It is a hint, never the truth: whatever it loses, the log tells later (L4, L5). */
export interface Bus {
  readonly makeAdapter: MakeAdapter
  /** Whether a message of ours came back to us lately. */
  readonly up: boolean
  /** Whether there are other nodes; what is published while there are none reaches nobody. */
  readonly othersAreThere: boolean
  /** Gives a text to the nodes that have someone in a room; rejects when it was not taken. */
  publish(namespace: string, room: string, text: string): Promise<unknown>
  /** Resolves once the other nodes' publications on these channels reach this one; after a moment also when they do not. */
  subscribed(channel: string): Promise<void>
  /** The bus works again after it did not, for this node or for another one that was cut off alone. */
  onRestored(listener: () => void): void
  close(): Promise<void>
}

type Client = Redis | Cluster

const channelPrefix = 'parley'
/** How long joining a room waits for the bus before it goes on without. */
const subscribeWaitMs = 300
const beatMs = 500
/** A bus that has not brought our own beat back for this long is down. */
const silenceMs = 2_000
/** After an outage of all, the nodes come back one by one within a moment, and need not be listened to one by one. */
const gatherMs = 100
/** A node that was not heard of during so many beats of ours is gone. Counted in beats that came back, because in an outage nobody is heard. */
const forgottenAfter = 20

/** On which every node says twice a second that it is there. */
const beatChannel = `${channelPrefix}:beat`

/** The channel of one room, as Socket.IO's sharded adapter names it. */
export const roomChannel = (namespace: string, room: string): string =>
  `${channelPrefix}#${namespace}#${room}#`

export function connectBus(settings: BusSettings, { log, metrics }: { log: Log; metrics: Metrics }): Bus {
  const publisher = connect(settings, { offlineQueue: false })
  // Subscriptions asked for during an outage are made when it ends; nothing waits for them.
  const subscriber = connect(settings, { offlineQueue: true })
  for (const [name, client] of [
    ['publisher', publisher],
    ['subscriber', subscriber],
  ] as const)
    client.on('error', (error: Error) => log.debug({ reason: error.message, client: name }, 'bus'))
  swallowRefusals(subscriber, log)

  const beats = keepBeat({ publisher, subscriber, log, metrics })

  // The library hands out a function that is to be called with `new`.
  const ShardedAdapter = createShardedAdapter(publisher, subscriber, { channelPrefix }) as unknown as new (
    namespace: Namespace,
  ) => Adapter
  return {
    makeAdapter: namespace => new ShardedAdapter(namespace),
    get up() {
      return beats.up
    },
    get othersAreThere() {
      return beats.others.size > 0
    },
    publish: (namespace, room, text) => publisher.spublish(roomChannel(namespace, room), text),
    subscribed: async channel => {
      if (!beats.up) return
      const patience = Promise.withResolvers<void>()
      const timer = setTimeout(patience.resolve, subscribeWaitMs)
      // The adapter has asked for the same a moment ago; this one is answered after it.
      await Promise.race([subscriber.ssubscribe(channel), patience.promise])
      clearTimeout(timer)
    },
    onRestored: listener => void beats.listeners.push(listener),
    close: async () => {
      beats.stop()
      publisher.disconnect()
      subscriber.disconnect()
    },
  }
}

interface Beats {
  readonly up: boolean
  readonly others: ReadonlyMap<string, number>
  readonly listeners: (() => void)[]
  stop(): void
}

/** Every node says regularly that it is there, and hears by that whether the bus works and who else is. */
function keepBeat(parts: {
  readonly publisher: Client
  readonly subscriber: Client
  readonly log: Log
  readonly metrics: Metrics
}): Beats {
  const { publisher, subscriber, log, metrics } = parts
  const listeners: (() => void)[] = []
  const self = newId()
  const restoredChannel = `${channelPrefix}:restored`
  /** The other nodes, and how many of our own beats ago each was heard. */
  const others = new Map<string, number>()
  let lastBeat = 0
  let up = false
  const setUp = (now: boolean) => {
    if (up === now) return
    up = now
    metrics.busUp.set(now ? 1 : 0)
    log.info({ up }, 'the bus between nodes')
    if (!now) return
    restored()
    // Nobody else knows that this node was cut off, and what it could not publish meanwhile they still have to hear of.
    publisher.spublish(restoredChannel, self).catch(() => undefined)
  }
  let telling: NodeJS.Timeout | undefined
  const restored = () => {
    telling ??= setTimeout(() => {
      telling = undefined
      for (const listener of listeners) listener()
    }, gatherMs)
  }
  subscriber.on('smessageBuffer', (channel: Buffer, message: Buffer) => {
    if (channel.toString() === restoredChannel && message.toString() !== self) restored()
    if (channel.toString() !== beatChannel) return
    const [node = '', sentAt] = message.toString().split(' ')
    if (node !== self) {
      // Someone new is to know of us before its first client reads a log.
      if (!others.has(node)) sendBeat()
      others.set(node, 0)
      return
    }
    lastBeat = performance.now()
    metrics.busLag.observe((Date.now() - Number(sentAt)) / 1000)
    for (const [other, age] of others) {
      if (age < forgottenAfter) others.set(other, age + 1)
      else others.delete(other)
    }
    setUp(true)
  })
  void subscriber.ssubscribe(restoredChannel)
  const sendBeat = () => void publisher.spublish(beatChannel, `${self} ${Date.now()}`).catch(() => undefined)
  void subscriber.ssubscribe(beatChannel).then(sendBeat)
  const beat = setInterval(() => {
    if (performance.now() - lastBeat > silenceMs) setUp(false)
    sendBeat()
  }, beatMs)
  beat.unref()

  return {
    get up() {
      return up
    },
    others,
    listeners,
    stop: () => {
      clearInterval(beat)
      clearTimeout(telling)
    },
  }
}

function connect({ url, cluster }: BusSettings, { offlineQueue }: { offlineQueue: boolean }): Client {
  const retryStrategy = (times: number) =>
    Math.min(50 * 2 ** Math.min(times, 5), 1_000) * (0.5 + Math.random() / 2)
  const options = {
    enableOfflineQueue: offlineQueue,
    // A publication is not worth a second try: whoever misses it reads the log.
    maxRetriesPerRequest: offlineQueue ? null : 0,
    autoResubscribe: true,
    connectTimeout: 2_000,
    keepAlive: 5_000,
    ...(offlineQueue ? {} : { commandTimeout: 2_000 }),
  }
  if (!cluster) return new Redis(url, { ...options, retryStrategy })
  return new Cluster([url], {
    redisOptions: options,
    enableOfflineQueue: offlineQueue,
    shardedSubscribers: true,
    clusterRetryStrategy: retryStrategy,
  })
}

/** The adapter does not look at the answers to its subscriptions, and what nobody looks at would end the process. */
function swallowRefusals(subscriber: Client, log: Log): void {
  for (const name of ['ssubscribe', 'sunsubscribe'] as const) {
    const ask = subscriber[name].bind(subscriber) as (...channels: string[]) => Promise<unknown>
    const quiet = (...channels: string[]) =>
      ask(...channels).catch((error: Error) => log.debug({ reason: error.message }, `bus ${name}`))
    Object.assign(subscriber, { [name]: quiet })
  }
}
