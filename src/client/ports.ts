import type { Audience, Handshake } from '../protocol/index.ts'

/**
 * What the client needs of a Socket.IO socket. The caller makes it, not yet connected and best with `reconnection: false`:
 * the client decides when to come back. A transport that reconnects by itself does no harm.
 */
export interface SocketPort {
  readonly connected: boolean
  auth: object
  connect(): unknown
  disconnect(): unknown
  on(event: string, listener: (payload: never) => void): unknown
  off(event?: string, listener?: (payload: never) => void): unknown
  emit(event: string, input: unknown, acknowledge: (answer: never) => void): unknown
}

/**
 * Where what is queued survives the page. One store belongs to one identity: whatever it holds is sent as whoever connects.
 * Several clients may share it. Every record has a key of its own, so clients never overwrite each other's.
 */
export interface ClientStore {
  get(key: string): Promise<unknown>
  set(key: string, value: unknown): Promise<unknown>
  delete(key: string): Promise<unknown>
  keys(): Promise<readonly string[]>
}

export function memoryStore(): ClientStore {
  const records = new Map<string, unknown>()
  return {
    get: async key => records.get(key),
    set: async (key, value) => records.set(key, structuredClone(value)),
    delete: async key => records.delete(key),
    keys: async () => [...records.keys()],
  }
}

export interface Clock {
  /** For how long something took or waits: it never goes back, whatever is done to the clock of the day. */
  now(): number
  /** The time of day, in milliseconds since 1970; it may jump. */
  wall(): number
  /** Runs once after that time, unless the function it returns is called before. */
  after(milliseconds: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** What a client presents; the version it speaks it adds itself. */
export type Credential<Who extends Audience> = Omit<Handshake<Who>, 'version'>

export const defaultSettings = {
  /** How long a command waits for its answer. */
  ackTimeoutMs: 8_000,
  /** Commands of one connection that may be without an answer at once, all conversations together. */
  commandWindow: 8,
  /** From the start of an attempt, fetching the credential included, to the server's welcome. */
  connectTimeoutMs: 10_000,
  /**
   * Attempt n waits a random part of base · 2ⁿ, at most of the cap: the first is quick, and a crowd comes back spread out. With
   * this cap whoever was cut by a node that is back within a second has tried it within five.
   */
  backoffBaseMs: 250,
  backoffCapMs: 4_000,
  /** A connection that lasted this long was a good one: the next loss starts at the quick retry again. */
  stableAfterMs: 5_000,
  /**
   * Sends of one conversation that may be without an answer at once. The server appends what one connection sends in the order in
   * which it came, so with more than 1 they keep their order too, but for one: a message that is refused for a moment can be
   * overtaken by those that were under way behind it. With 1 nothing can overtake. A lost connection reorders nothing either way.
   * More than `commandWindow` has no effect.
   */
  sendWindow: 1,
  /** Entries at the beginning, and each time a person scrolls back; and when what was missed is read, as many as the server gives. */
  pageSize: 100,
  catchUpPageSize: 200,
  /** While what was missed comes page by page, it is told at most this often. */
  frameMs: 16,
  /** How long the entry of an acknowledged message may be on its way before it is asked for. */
  echoGraceMs: 2_000,
  markIntervalMs: 1_000,
  /** While someone types it is said again this often, and taken back after this long without a key. */
  typingRepeatMs: 3_000,
  typingStopMs: 4_000,
  /** Someone else's typing ends after this long by itself. */
  typingExpiresMs: 6_000,
  /** How far an answer on its way is, is asked for at most this often; and when it was silent for this long. */
  runReadIntervalMs: 500,
  answerSilenceMs: 5_000,
  /** For this long the store is waited for: before the first connection, and before what is written is sent. */
  storePatienceMs: 1_000,
  /** For this long what a person wants of a conversation now is repeated while it has no answer. */
  requestPatienceMs: 30_000,
}

export type Settings = typeof defaultSettings
