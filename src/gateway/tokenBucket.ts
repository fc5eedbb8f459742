/** Lets `perSecond` through on average and `burst` at once. Two numbers, so that each connection can have its own. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #at = performance.now()

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
  }

  /** Zero when it may pass, otherwise the seconds until it may. */
  take(): number {
    const now = performance.now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
    if (this.#tokens >= 1) {
      this.#tokens -= 1
      return 0
    }
    return (1 - this.#tokens) / this.#perSecond
  }

  get full(): boolean {
    return this.#tokens + ((performance.now() - this.#at) / 1000) * this.#perSecond >= this.#burst
  }
}
