export interface Member {
  /** Whether a step can be taken now. */
  ready(): boolean
  /** Does one step and says whether the database must stay with this member afterwards. */
  step(): Promise<boolean>
  /** Called when the member has kept the database too long without using it; it must give it up. */
  expire(): void
}

/**
 * Decides who uses the database next.
 *
 * Invariants: one step at a time; while a member holds the database (an open transaction, or a
 * sequence without its Sync) nobody else takes a step; everybody else waits in the order of asking, and
 * goes to the end of the line after each step, so that a pipelining client cannot starve the rest.
 */
export class Turns {
  // A Set keeps the order of arrival and each member once.
  #line = new Set<Member>()
  #owner: Member | undefined
  #running = false
  #patience: NodeJS.Timeout | undefined
  readonly #patienceMs: number
  readonly #onFault: (error: unknown) => void

  constructor(patienceMs: number, onFault: (error: unknown) => void) {
    this.#patienceMs = patienceMs
    this.#onFault = onFault
  }

  /** To be called whenever a member may have become ready. */
  ask(member: Member): void {
    if (member !== this.#owner) this.#line.add(member)
    if (!this.#running) this.#run().catch(this.#onFault)
  }

  /** The owner gave a sign of life, such as a part of a large message. */
  touch(member: Member): void {
    if (member === this.#owner) this.#patience?.refresh()
  }

  /** Runs `work` alone, between the transactions of others. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let taken = false
      this.ask({
        ready: () => !taken,
        step: async () => {
          taken = true
          await work().then(resolve, reject)
          return false
        },
        expire: () => undefined,
      })
    })
  }

  async #run(): Promise<void> {
    this.#running = true
    clearTimeout(this.#patience)
    try {
      for (let member = this.#next(); member !== undefined; member = this.#next()) {
        // Set before the step: what asks meanwhile must join the line, not this turn.
        this.#owner = member
        const keeps = await member.step()
        if (!keeps) {
          this.#owner = undefined
          if (member.ready()) this.#line.add(member)
        }
        // The engine computes synchronously: without this the sockets would never be read in a long run.
        await new Promise(setImmediate)
      }
    } finally {
      this.#running = false
    }
    const owner = this.#owner
    if (owner !== undefined) this.#patience = setTimeout(() => owner.expire(), this.#patienceMs)
  }

  #next(): Member | undefined {
    if (this.#owner !== undefined) return this.#owner.ready() ? this.#owner : undefined
    for (const member of this.#line) {
      this.#line.delete(member)
      if (member.ready()) return member
    }
    return undefined
  }
}
