import type { Cluster, Redis } from 'ioredis'
import { inOnePiece, type Log } from '../kernel/index.ts'

export type Listener = (message: Buffer, channel: Buffer) => void

/** The channels this node listens to, kept through whatever happens to the client. */
export interface Subscriptions {
  /** Whether nothing is missing of what was asked for. */
  readonly complete: boolean
  /** What comes on this channel goes to this listener. Resolves when it was answered, also with no. */
  add(channel: string, listener: Listener): Promise<void>
  /** Resolves when a channel that was added is answered. */
  answered(channel: string): Promise<void>
  remove(channel: string): void
  /** Asks once more for what was refused. */
  retry(): void
}

interface SubscriptionParts {
  readonly subscriber: Redis | Cluster
  readonly log: Log
  /** Somebody may miss something from now on, until `complete` again. */
  readonly refused: () => void
  /** A listener failed with what came: somebody may miss that. */
  readonly unreadable: () => void
}

export function keepSubscriptions({
  subscriber,
  log,
  refused,
  unreadable,
}: SubscriptionParts): Subscriptions {
  /** All that are wanted: there are as many as rooms. */
  const listeners = new Map<string, Listener>()
  /**
   * Those that are not answered yet. One answer for all who ask for a channel: a cluster's client would note it, and ask for it after a
   * reconnect, as often as it was asked for.
   */
  const asked = new Map<string, Promise<void>>()
  const missing = new Set<string>()
  const request = subscriber.ssubscribe.bind(subscriber) as (...channels: string[]) => Promise<unknown>

  // A cluster's client refuses what it knows no connection for, and then forgets it; where it knows no node either, it throws.
  async function ask(...channels: string[]): Promise<void> {
    try {
      await request(...channels)
      for (const channel of channels) missing.delete(channel)
    } catch (error) {
      log.debug({ err: error }, 'the bus refused a subscription')
      for (const channel of channels) if (listeners.has(channel)) missing.add(channel)
      refused()
    }
  }
  // After a reconnect the client asks for itself and does not look at the answer; a refusal nobody looks at would end the process.
  Object.assign(subscriber, { ssubscribe: ask })

  const retry = () => {
    for (const channel of missing) void ask(channel)
  }
  subscriber.on('ready', retry)
  subscriber.on('smessageBuffer', (channel: Buffer, message: Buffer) => {
    try {
      listeners.get(channel.toString())?.(message, channel)
    } catch (error) {
      // Whatever is written there must not end a node, and nodes of two versions may be there at once.
      log.debug({ err: error, channel: channel.toString() }, 'a publication could not be read')
      unreadable()
    }
  })
  const answered = async (channel: string) => asked.get(channel)
  return {
    get complete() {
      return missing.size === 0
    },
    add(channel, listener) {
      if (listeners.has(channel)) return answered(channel)
      const kept = inOnePiece(channel)
      // Before it is asked for: it may be refused at once.
      listeners.set(kept, listener)
      const answer = ask(kept).then(() => {
        if (asked.get(kept) === answer) asked.delete(kept)
      })
      asked.set(kept, answer)
      return answer
    },
    answered,
    remove(channel) {
      listeners.delete(channel)
      asked.delete(channel)
      missing.delete(channel)
      // What still comes on it reaches nobody.
      const gone = async () => subscriber.sunsubscribe(channel)
      gone().catch((error: Error) => log.debug({ err: error }, 'the bus refused to end a subscription'))
    },
    retry,
  }
}
