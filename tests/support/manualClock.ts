import type { Clock } from '../../src/client/index.ts'

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now = 0
  #wall = 0
  #due: { at: number; run: () => void }[] = []

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#wall
  }

  /** Somebody puts the clock of the day forward or back. */
  put(milliseconds: number): void {
    this.#wall += milliseconds
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.#now + milliseconds, run }
    this.#due.push(timer)
    return () => {
      this.#due = this.#due.filter(other => other !== timer)
    }
  }

  /** Runs what becomes due on the way, in order, and what follows from it at once. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#due = this.#due.filter(other => other !== next)
      this.#go(next.at)
      next.run()
      await settled()
    }
    this.#go(until)
    await settled()
  }

  #go(until: number): void {
    this.#wall += until - this.#now
    this.#now = until
  }

  #next(until: number) {
    return this.#due.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
  }
}

const settled = () => new Promise(resolve => setImmediate(resolve))
