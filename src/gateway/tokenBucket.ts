/** Seconds that are no wait: so far sums of times may be from what they should be. */
const rounding = 1e-5

/**
 * Lets `perSecond` through on average and `burst` at once, for each of many keys, most of which are idle. Of a bucket that is not full all there
 * is to know is when it will be. One that nobody took from for as long as it needs to fill up is forgotten, and with it the key: at the next
 * `take`, or where none may come, by `sweep`.
 */
export class TokenBuckets<Key> {
  readonly #perSecond: number
  readonly #burst: number
  /** When each is full: those that were used since `#since`, and those that were used last in the time before. */
  #recent = new Map<Key, number>()
  #earlier = new Map<Key, number>()
  #since = performance.now()

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
  }

  /** Zero when it may pass, otherwise the seconds until it may. What costs more than a burst never passes. */
  take(key: Key, cost = 1): number {
    const now = this.sweep()
    const full = this.#recent.get(key) ?? this.#earlier.get(key) ?? now
    const taken = (Math.max(0, full - now) / 1000) * this.#perSecond + cost
    const wait = (taken - this.#burst) / this.#perSecond
    if (wait > rounding) return wait
    this.#recent.set(key, now + (taken / this.#perSecond) * 1000)
    return 0
  }

  /** To be called now and then. Returns the time. */
  sweep(): number {
    const now = performance.now()
    if (now - this.#since > (this.#burst / this.#perSecond) * 1000) {
      this.#earlier = this.#recent
      this.#recent = new Map()
      this.#since = now
    }
    return now
  }

  /** How many are not forgotten. */
  get size(): number {
    return new Set([...this.#recent.keys(), ...this.#earlier.keys()]).size
  }
}
