import { createShardedAdapter } from '@socket.io/redis-adapter'
import { Cluster, type Redis } from 'ioredis'
import type { Namespace } from 'socket.io'
import type { Adapter } from 'socket.io-adapter'
import type { Log, Metrics } from '../kernel/index.ts'
import type { MakeAdapter } from './adapter.ts'
import { keepBeat } from './beats.ts'
import { hold } from './held.ts'
import { keepSubscriptions, type Subscriptions } from './subscriptions.ts'

/** Two clients of one Redis, or of one Redis Cluster; the bus ends them with itself. */
export interface BusClients {
  /** Without an offline queue: what cannot be published now is read from the log. */
  readonly publisher: Redis | Cluster
  readonly subscriber: Redis | Cluster
}

/** What connects the nodes. It is a hint, never the truth: whatever it loses, the log tells later (L4, L5). */
export interface Bus {
  readonly makeAdapter: MakeAdapter
  /** Whether messages of ours come back to us, and nothing was lost lately that we know of. */
  readonly up: boolean
  /** Whether there are other nodes; what is published while there are none reaches nobody. */
  readonly othersAreThere: boolean
  /** Gives a text to the nodes that have someone in a room; rejects when it was not taken. */
  publish(namespace: string, room: string, text: string): Promise<unknown>
  /** Resolves once the other nodes' publications on these channels reach this one; after a moment also when they do not. */
  subscribed(channel: string): Promise<void>
  /** What happened on this node within this time may not have been published: every node is to look for it, this one included. */
  missed(lostMs: number): void
  /**
   * What was published may not have come here or may not have left: the bus works again after it did not, for this node or for another
   * one that was cut off alone; a subscription was late; a node is gone that may have died before it told what it had committed, or does
   * not know what it has committed.
   * `lostMs`: how long before now that may have begun.
   */
  onRestored(listener: (lostMs: number) => void): void
  close(): Promise<void>
}

const prefix = 'parley'
/** How long joining a room waits for the bus before it goes on without. */
const subscribeWaitMs = 300

/** Made once: in an outage there is one for each publication, and the way it came is not worth writing down each time. */
const notConnected = new Error('Redis is not connected')

/** The channel of one room, as Socket.IO's sharded adapter names it. */
export const roomChannel = (namespace: string, room: string): string => `${prefix}#${namespace}#${room}#`

export function connectBus(clients: BusClients, { log, metrics }: { log: Log; metrics: Metrics }): Bus {
  const { publisher, subscriber } = clients
  for (const [client, connection] of Object.entries(clients))
    connection.on('error', (error: Error) => log.debug({ reason: error.message, client }, 'bus'))
  const subscriptions = keepSubscriptions({
    ...{ subscriber, log, refused: () => beats.doubt() },
    unreadable: () => {
      metrics.unreadable.inc()
      beats.missed(0)
    },
  })
  const publish = async (channel: string, text: string) => {
    try {
      return await publisher.spublish(channel, text)
    } catch (error) {
      beats.doubt()
      throw error
    }
  }
  const beats = keepBeat({ prefix, publish, subscriber, subscriptions, log, metrics })
  onLostSubscriptions(subscriber, beats.doubt)

  // The library hands out a function that is to be called with `new`.
  const ShardedAdapter = createShardedAdapter({ spublish: publish }, adapterClient(subscriptions), {
    channelPrefix: prefix,
  }) as unknown as new (
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
    publish: (namespace, room, text) => {
      if (publisher.status !== 'ready') {
        beats.doubt()
        return Promise.reject(notConnected)
      }
      // A call to the system for each publication would cost more than all else about it.
      if (!(publisher instanceof Cluster)) hold(publisher.stream)
      return publish(roomChannel(namespace, room), text)
    },
    subscribed: async channel => {
      if (!beats.up) return
      const began = performance.now()
      const patience = Promise.withResolvers<'late'>()
      const timer = setTimeout(() => patience.resolve('late'), subscribeWaitMs)
      // The adapter has asked for it a moment ago.
      const answer = subscriptions.answered(channel)
      const outcome = await Promise.race([answer, patience.promise])
      clearTimeout(timer)
      // Whoever goes on without has read, and does not hear what is published from then until it is there.
      if (outcome === 'late') void answer.then(() => beats.missed(performance.now() - began))
    },
    missed: beats.allMissed,
    onRestored: listener => void beats.listeners.push(listener),
    close: async () => {
      beats.stop()
      publisher.disconnect()
      subscriber.disconnect()
    },
  }
}

/** What the sharded adapter uses of a client that subscribes: by the names of one that hands out the messages itself, so that both keep one list. */
const adapterClient = ({ add, remove }: Subscriptions) => ({ sSubscribe: add, sUnsubscribe: remove })

/** Whatever was published between the end of a connection and the next one was not heard here, and nobody would know. */
function onLostSubscriptions(subscriber: Redis | Cluster, lost: () => void): void {
  if (!(subscriber instanceof Cluster)) {
    subscriber.on('close', lost)
    return
  }
  // One connection of several.
  subscriber.on('-node', lost)
  let known = ''
  subscriber.on('refresh', () => {
    const now = ownersOf(subscriber)
    if (now !== known) lost()
    known = now
  })
}

/** Which master has which slots: those that change hands take the subscriptions on them away. */
const ownersOf = ({ slots }: Cluster): string =>
  slots.flatMap(([master], slot) => (master === slots[slot - 1]?.[0] ? [] : [`${slot} ${master}`])).join()
