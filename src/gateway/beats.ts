import type { Cluster, Redis } from 'ioredis'
import { type Log, type Metrics, newId } from '../kernel/index.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Whether the bus works, and who else is on it: every node says regularly that it is there, and has to hear itself. */
export interface Beats {
  readonly up: boolean
  /** The other nodes, and how many of our own beats ago each was heard. */
  readonly others: ReadonlyMap<string, number>
  readonly listeners: ((lostMs: number) => void)[]
  /** Something may have been missed, here or elsewhere: the bus is down until beats that are sent from now on have come back. */
  doubt(): void
  /** This node alone may have missed something within this time. */
  missed(lostMs: number): void
  /** So may all others. */
  allMissed(lostMs: number): void
  stop(): void
}

interface BeatParts {
  readonly prefix: string
  readonly publish: (channel: string, text: string) => Promise<unknown>
  readonly subscriber: Redis | Cluster
  readonly subscriptions: Subscriptions
  readonly log: Log
  readonly metrics: Metrics
}

const beatMs = 500
/** A bus that has not brought our own beat back for this long is down. */
const silenceMs = 2_000
/** After an outage of all, the nodes come back one by one within a moment, and need not be listened to one by one. */
const gatherMs = 100
/** A bus that comes and goes is not told of more often than this. */
const restedMs = 1_000
/** A node that was not heard of during so many beats of ours is gone. Counted in beats that came back, because in an outage nobody is heard. */
const forgottenAfter = 20

/**
 * The channels of the beat. In a cluster each lies with one master, and one may be lost alone: so there is one in every sixteenth of the
 * slots, and the bus works when all of them do. A test asks a cluster where they lie.
 */
export const beatChannels = (prefix: string, cluster: boolean): string[] =>
  cluster ? [...'abcdefghijklmnop'].map(letter => `${prefix}:beat:${letter}:`) : [`${prefix}:beat`]

export function keepBeat(parts: BeatParts): Beats {
  const { prefix, publish, subscriber, subscriptions, log, metrics } = parts
  const listeners: ((lostMs: number) => void)[] = []
  const self = newId()
  const restoredChannel = `${prefix}:restored`
  const channels = beatChannels(prefix, subscriber.isCluster)
  /** When the newest of our own beats that came back on a channel was sent. */
  const heard = new Map(channels.map(channel => [channel, 0]))
  const others = new Map<string, number>()
  const oldest = () => Math.min(...heard.values())
  let doubtedAt = 0
  /** When it was last known to work. */
  let lostSince = 0
  let up = false
  let stopped = false
  const restored = gathered(lostMs => {
    if (!stopped) for (const listener of listeners) listener(lostMs)
  })

  const allMissed = (lostMs: number) => {
    restored(lostMs)
    publish(restoredChannel, `${self} ${Math.ceil(lostMs)}`).catch(() => undefined)
  }
  const setUp = (now: boolean) => {
    if (up === now || stopped) return
    up = now
    metrics.busUp.set(now ? 1 : 0)
    log.info({ up }, 'the bus between nodes')
    // Nobody else knows that this node was cut off, and what it could not publish meanwhile they still have to hear of.
    if (now) allMissed(performance.now() - lostSince)
    else lostSince = oldest()
  }
  const doubt = () => {
    doubtedAt = performance.now()
    setUp(false)
  }
  const ownBeat = (channel: string, sentAt: number) => {
    heard.set(channel, sentAt)
    metrics.busLag.observe((performance.now() - sentAt) / 1000)
    // Whoever is gone may have died with something that was committed and not told.
    if (channel === channels[0] && age(others)) restored((forgottenAfter + 1) * beatMs)
    if (subscriptions.complete && oldest() > doubtedAt) setUp(true)
  }
  const hearBeat = (channel: string) => (message: Buffer) => {
    const [node = '', sentAt] = message.toString().split(' ')
    if (node === self) return ownBeat(channel, timeIn(sentAt))
    // Someone new is to know of us before its first client reads a log.
    if (!others.has(node)) sendBeat()
    others.set(node, 0)
  }
  const hearRestored = (message: Buffer) => {
    const [node, lostMs] = message.toString().split(' ')
    if (node !== self) restored(timeIn(lostMs))
  }
  const sendBeat = () => {
    // One that does not come back says enough.
    for (const channel of channels) publish(channel, `${self} ${performance.now()}`).catch(() => undefined)
  }
  const listening = channels.map(channel => subscriptions.add(channel, hearBeat(channel)))
  void Promise.all([subscriptions.add(restoredChannel, hearRestored), ...listening]).then(sendBeat)
  const beat = setInterval(() => {
    if (up && performance.now() - oldest() > silenceMs) doubt()
    subscriptions.retry()
    sendBeat()
  }, beatMs)
  beat.unref()

  return {
    get up() {
      return up
    },
    others,
    listeners,
    doubt,
    missed: restored,
    allMissed,
    stop: () => {
      stopped = true
      clearInterval(beat)
    },
  }
}

/** Anything else would be believed for ever. */
function timeIn(word: string | undefined): number {
  const time = Number(word)
  if (!Number.isFinite(time)) throw new Error('not a time')
  return time
}

/** Whether one is gone. */
function age(others: Map<string, number>): boolean {
  const before = others.size
  for (const [other, beats] of others) {
    if (beats < forgottenAfter) others.set(other, beats + 1)
    else others.delete(other)
  }
  return others.size < before
}

/** However often it is called, the work is done a moment later and once, for all of the time that anyone spoke of. */
function gathered(work: (lostMs: number) => void): (lostMs: number) => void {
  let lostSince: number | undefined
  let doneAt = Number.NEGATIVE_INFINITY
  const run = () => {
    doneAt = performance.now()
    const lostMs = doneAt - (lostSince ?? doneAt)
    lostSince = undefined
    work(lostMs)
  }
  return lostMs => {
    const due = lostSince !== undefined
    lostSince = Math.min(lostSince ?? Number.POSITIVE_INFINITY, performance.now() - lostMs)
    if (!due) setTimeout(run, Math.max(gatherMs, doneAt + restedMs - performance.now())).unref()
  }
}
