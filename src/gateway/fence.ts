/**
 * Of each room with someone in it, the highest epoch that was handed out here (L7). What carries a lower one comes from somebody who
 * does not know yet that others answer now, and goes no further: whoever was told of an epoch gets nothing of an older one.
 */
export class Fence {
  readonly #highest = new Map<string, number>()

  passes(room: string, payload: unknown): boolean {
    const epoch = epochOf(payload)
    if (epoch === undefined) return true
    const highest = this.#highest.get(room) ?? 0
    if (epoch < highest) return false
    if (epoch > highest) this.#highest.set(room, epoch)
    return true
  }

  forget(room: string): void {
    this.#highest.delete(room)
  }
}

function epochOf(payload: unknown): number | undefined {
  if (typeof payload !== 'object' || payload === null || !('epoch' in payload)) return undefined
  return typeof payload.epoch === 'number' ? payload.epoch : undefined
}
