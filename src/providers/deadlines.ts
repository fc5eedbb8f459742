import { ServiceFailure, type TimeLimit } from './failure.ts'

/** Milliseconds: until the service says anything, between two things it says, for the whole. */
export interface TimeLimits {
  readonly firstMs: number
  readonly idleMs: number
  readonly totalMs: number
}

/**
 * Ends a request when one of its limits is reached or when nobody wants it any more. The limits for the first and the next piece run only
 * while somebody waits for it: a slow reader is not the service's fault.
 */
export class Deadlines {
  /** For the request itself: aborting it closes its connection. */
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  #limits: TimeLimits
  readonly #asked: AbortSignal | undefined
  readonly #total: NodeJS.Timeout
  readonly #onAsked = () => this.#end(new ServiceFailure('aborted', 'the request was given up'))
  #failure: ServiceFailure | undefined
  #begun = false

  constructor(limits: TimeLimits, asked?: AbortSignal) {
    this.signal = this.#controller.signal
    this.#limits = limits
    this.#asked = asked
    this.#total = setTimeout(() => this.#expire('total', limits.totalMs), limits.totalMs)
    if (asked?.aborted) this.#onAsked()
    else asked?.addEventListener('abort', this.#onAsked, { once: true })
  }

  /** Waits for the first or next piece. Rejects with the failure of whatever limit ended it. */
  async next<Result>(piece: () => Promise<Result>): Promise<Result> {
    this.check()
    const [limit, ms] = this.#begun
      ? (['idle', this.#limits.idleMs] as const)
      : (['first', this.#limits.firstMs] as const)
    const timer = setTimeout(() => this.#expire(limit, ms), ms)
    try {
      const result = await piece()
      this.check()
      return result
    } catch (error) {
      throw this.#failure ?? error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Something came: from here on the limit between two pieces counts. */
  begin(): void {
    this.#begun = true
  }

  get begun(): boolean {
    return this.#begun
  }

  /** All that matters has come; for what may still follow there is a moment. */
  settle(): void {
    this.#limits = { ...this.#limits, idleMs: Math.min(this.#limits.idleMs, 1_000) }
  }

  check(): void {
    if (this.#failure) throw this.#failure
  }

  /** Forgets the timers. A connection that has not come to its end is closed; one that has may serve the next request. */
  close(atItsEnd: boolean): void {
    clearTimeout(this.#total)
    this.#asked?.removeEventListener('abort', this.#onAsked)
    if (!atItsEnd) this.#controller.abort()
  }

  #expire(limit: TimeLimit, ms: number): void {
    const what = { first: 'said nothing', idle: 'fell silent', total: 'was not done' }[limit]
    this.#end(new ServiceFailure('timeout', `the service ${what} within ${ms} ms`, { limit }))
  }

  #end(failure: ServiceFailure): void {
    this.#failure ??= failure
    this.#controller.abort()
  }
}
