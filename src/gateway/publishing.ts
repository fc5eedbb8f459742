import type { Server } from 'socket.io'
import type { Audience, EventName, Events } from '../protocol/index.ts'
import type { LocalFirstAdapter } from './adapter.ts'

export interface Publishing {
  /** Hands an event to everyone of an audience in a room: this node's sockets at once, the others through the bus (L4). */
  publish<Name extends EventName>(
    audience: Audience,
    room: string,
    event: Name,
    payload: Events[Name],
    options?: {
      /** It may be lost: a socket that still has something to take does not get it (L6). */
      readonly ephemeral?: boolean
      readonly except?: string
      /** More is likely to follow for the same sockets in this turn of the event loop; it then leaves together. */
      readonly joined?: boolean
    },
  ): void
  /** The same for this node's sockets alone. */
  publishHere<Name extends EventName>(
    audience: Audience,
    room: string,
    event: Name,
    payload: Events[Name],
  ): void
  /**
   * Says something to the other nodes that have someone of an audience in a room, and to nobody's client: each looks for itself what
   * its own people are to be told. It may be lost. The words are without line breaks.
   */
  hint(audience: Audience, room: string, words: readonly string[]): void
  /** Someone of an audience has read this epoch: nothing of an older one is handed out in the room from now on (L7). */
  raise(audience: Audience, room: string, epoch: number): void
  /** Whether someone of an audience is in a room on this node. */
  isHere(audience: Audience, room: string): boolean
  /** Rooms of an audience that have a socket on this node. */
  roomsHere(audience: Audience): Iterable<string>
}

/** Straight to the adapter: Socket.IO's own `to().emit()` makes several objects per call that say no more than this. */
export function publishing(io: Server): Publishing {
  const adapters = new Map<Audience, LocalFirstAdapter>()
  const adapterOf = (audience: Audience): LocalFirstAdapter => {
    const known = adapters.get(audience)
    if (known) return known
    const adapter = io.of(`/${audience}`).adapter as LocalFirstAdapter
    adapters.set(audience, adapter)
    return adapter
  }
  return {
    publish(audience, room, event, payload, { ephemeral = false, except, joined = false } = {}) {
      adapterOf(audience).handOut({ room, event, payload, ephemeral, joined, except, elsewhere: true })
    },
    publishHere(audience, room, event, payload) {
      const here = { ephemeral: false, joined: false, except: undefined, elsewhere: false }
      adapterOf(audience).handOut({ room, event, payload, ...here })
    },
    hint: (audience, room, words) => adapterOf(audience).hint(room, words),
    raise: (audience, room, epoch) => adapterOf(audience).raise(room, epoch),
    isHere: (audience, room) => adapterOf(audience).rooms.has(room),
    roomsHere: audience => adapterOf(audience).rooms.keys(),
  }
}
