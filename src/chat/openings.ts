import type { Session } from '../gateway/index.ts'

/** Of one `conversation.open` that is being carried out. */
export interface Opening {
  /** Whether the connection has left the room since. */
  readonly left: boolean
  end(): void
}

/**
 * Commands of one connection overtake each other: opening waits for the database, leaving for nothing. Kept only while something is being
 * opened, so that who is merely connected costs nothing.
 */
export class Openings {
  readonly #under = new Map<string, Set<{ left: boolean }>>()

  begin({ id }: Session, room: string): Opening {
    const name = `${id} ${room}`
    const same = this.#under.get(name) ?? new Set()
    this.#under.set(name, same)
    const own = { left: false }
    same.add(own)
    const end = () => {
      same.delete(own)
      if (same.size === 0) this.#under.delete(name)
    }
    return Object.assign(own, { end })
  }

  /** What is asked for after this is opened. */
  leave({ id }: Session, room: string): void {
    for (const opening of this.#under.get(`${id} ${room}`) ?? []) opening.left = true
  }
}
