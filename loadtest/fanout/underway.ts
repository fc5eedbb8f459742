/** How much of what was begun is not done yet. */
export class Underway {
  #count = 0
  #wanted = 0
  #reached = Promise.withResolvers<void>()

  /** The same function, whose promises count until they are settled. */
  counted<Args extends unknown[], Value>(
    begin: (...args: Args) => Promise<Value>,
  ): (...args: Args) => Promise<Value> {
    return (...args) => {
      this.#count++
      return begin(...args).finally(() => {
        if (--this.#count <= this.#wanted) this.#reached.resolve()
      })
    }
  }

  /** Resolves when no more than that many are. One waits at a time. */
  async atMost(count: number): Promise<void> {
    if (this.#count <= count) return
    this.#wanted = count
    this.#reached = Promise.withResolvers()
    await this.#reached.promise
  }
}
