import type { Server } from 'socket.io'
import { PacketType } from 'socket.io-parser'
import type { Audience, EventName, Events } from '../protocol/index.ts'

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
    },
  ): void
  /** The same for this node's sockets alone. */
  publishHere<Name extends EventName>(
    audience: Audience,
    room: string,
    event: Name,
    payload: Events[Name],
  ): void
  /** Rooms of an audience that have a socket on this node. */
  roomsHere(audience: Audience): Iterable<string>
}

/** Straight to the adapter: Socket.IO's own `to().emit()` makes several objects per call that say no more than this. */
export function publishing(io: Server): Publishing {
  const adapterOf = (audience: Audience) => io.of(`/${audience}`).adapter
  const packet = (audience: Audience, event: EventName, payload: unknown) => ({
    type: PacketType.EVENT,
    data: [event, payload],
    nsp: `/${audience}`,
  })
  const nobody = new Set<string>()
  return {
    publish(audience, room, event, payload, { ephemeral = false, except } = {}) {
      adapterOf(audience).broadcast(packet(audience, event, payload), {
        rooms: new Set([room]),
        except: except === undefined ? nobody : new Set([except]),
        flags: ephemeral ? { volatile: true } : {},
      })
    },
    publishHere(audience, room, event, payload) {
      const options = { rooms: new Set([room]), except: nobody, flags: { local: true } }
      adapterOf(audience).broadcast(packet(audience, event, payload), options)
    },
    roomsHere: audience => adapterOf(audience).rooms.keys(),
  }
}
