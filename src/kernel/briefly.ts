/** Keeps each value for so long after it was kept, and then lets go of it by itself. */
export class Briefly<Value> {
  readonly #kept = new Map<string, { readonly value: Value; readonly timer: NodeJS.Timeout }>()
  readonly #ms: number

  constructor(ms: number) {
    this.#ms = ms
  }

  get size(): number {
    return this.#kept.size
  }

  set(key: string, value: Value): void {
    this.delete(key)
    const timer = setTimeout(() => this.#kept.delete(key), this.#ms)
    timer.unref()
    this.#kept.set(key, { value, timer })
  }

  get(key: string): Value | undefined {
    return this.#kept.get(key)?.value
  }

  has(key: string): boolean {
    return this.#kept.has(key)
  }

  delete(key: string): void {
    clearTimeout(this.#kept.get(key)?.timer)
    this.#kept.delete(key)
  }
}
