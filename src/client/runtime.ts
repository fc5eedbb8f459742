import type { Failure } from '../protocol/index.ts'
import type { Clock, Settings } from './ports.ts'

/** Browsers take a longer timer for none at all and fire at once. */
const longestTimerMs = 2_147_483_647

/** Time, chance and settings in one place; `stop` ends every timer, so that a closed client leaves nothing behind. */
export class Runtime {
  readonly settings: Settings
  readonly random: () => number
  readonly #clock: Clock
  #stopped = false
  readonly #timers = new Set<() => void>()

  constructor(clock: Clock, random: () => number, settings: Settings) {
    this.#clock = clock
    this.random = random
    this.settings = settings
  }

  now(): number {
    return this.#clock.now()
  }

  wall(): number {
    return this.#clock.wall()
  }

  after(milliseconds: number, run: () => void): () => void {
    // What was under way when the client was closed begins nothing new.
    if (this.#stopped) return () => undefined
    const cancel = () => {
      this.#timers.delete(cancel)
      stop()
    }
    const stop = this.#clock.after(Math.min(milliseconds, longestTimerMs), () => {
      this.#timers.delete(cancel)
      run()
    })
    this.#timers.add(cancel)
    return cancel
  }

  sleep(milliseconds: number): Promise<void> {
    return new Promise(resolve => this.after(milliseconds, resolve))
  }

  /** Full jitter; what the server asks to wait is waited on top, so that those it sent away together do not return together. */
  retryDelay(attempt: number, failure?: Failure): number {
    const { backoffBaseMs, backoffCapMs } = this.settings
    const jitter = this.random() * Math.min(backoffCapMs, backoffBaseMs * 2 ** attempt)
    return (failure?.retryAfter ?? 0) * 1_000 + jitter
  }

  stop(): void {
    this.#stopped = true
    for (const cancel of [...this.#timers]) cancel()
  }
}

/** Listeners in a set. One that throws is reported as uncaught, and keeps neither the others nor the client from going on. */
export class Listeners<Value> {
  readonly #listeners = new Set<(value: Value) => void>()

  add(listener: (value: Value) => void): () => void {
    // A function of its own, so that the same listener may be added twice and removed once.
    const entry = (value: Value) => listener(value)
    this.#listeners.add(entry)
    return () => {
      this.#listeners.delete(entry)
    }
  }

  get any(): boolean {
    return this.#listeners.size > 0
  }

  tell(value: Value): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(value)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
