import type { Namespace, Socket } from 'socket.io'
import { type Adapter, type BroadcastOptions, type ClusterMessage, MessageType } from 'socket.io-adapter'
import type { Packet } from 'socket.io-parser'
import { Fence } from './fence.ts'
import { deliver, eventPacket, frame } from './frames.ts'
import { MostlyOne } from './onlyOne.ts'
import { type Encoded, hinted, hintMark, readHint, readRelay, relayed, relayMark } from './relay.ts'

export type MakeAdapter = (namespace: Namespace) => Adapter

export interface DeliveryHooks {
  /** Bytes that may wait for one connection. */
  readonly cap: number
  /** A socket takes too slowly what is sent to it (L9). */
  tooSlow(socket: Socket): void
  /** An event has been handed to all sockets of a room on this node, wherever it came from. */
  delivered(namespace: string, room: string, event: unknown, payload: unknown): void
  /** Another node has said something about a room that someone has joined here. */
  hinted(namespace: string, room: string, words: readonly string[]): void
  /** Whether other nodes are connected to the bus; what is published while there are none reaches nobody. */
  othersAreThere(): boolean
  /** Gives a text to the other nodes that have someone in a room. Absent where there is no bus. */
  readonly publish: ((namespace: string, room: string, text: string) => void) | undefined
  /** The bus did not take a publication; the log will tell the other nodes later (L4). */
  notPublished(reason: unknown): void
}

/** What the cluster adapter keeps to itself and this one needs; a test asserts that these are still its names. */
interface ClusterInternals {
  readonly uid: string
  publishAndReturnOffset?(message: ClusterMessage): Promise<string>
  onMessage?(message: ClusterMessage, offset?: string): void
  onRawMessage?(raw: Buffer, channel: Buffer | string): void
}

/** An adapter whose own sockets come first. */
export interface LocalFirstAdapter extends Adapter {
  /** Hands an event to this node's sockets in a room, and with `elsewhere` publishes it to the other nodes. */
  handOut(event: Outgoing): void
  /** Says something to the other nodes that have someone in a room. */
  hint(room: string, words: readonly string[]): void
  /** Someone in a room was told of this epoch. */
  raise(room: string, epoch: number): void
}

export interface Outgoing {
  readonly room: string
  readonly event: string
  readonly payload: unknown
  /** A socket that still has something to take does not get it (L6). */
  readonly ephemeral: boolean
  /** More is likely to follow for the same sockets in this turn of the event loop. */
  readonly joined: boolean
  /** The id of a socket that is left out. */
  readonly except: string | undefined
  readonly elsewhere: boolean
}

/**
 * Turns an adapter local-first (L4). Socket.IO's cluster adapter publishes a broadcast, waits for the bus, and delivers to its own sockets
 * only then: an outage of the bus silences a node towards its own users. Here this node's sockets come first, and nobody waits.
 */
export function localFirst(make: MakeAdapter, hooks: DeliveryHooks): MakeAdapter {
  // Called with `new`, which an arrow function cannot be.
  return function makeLocalFirst(namespace: Namespace) {
    const adapter = make(namespace)
    const cluster = adapter as Adapter & ClusterInternals
    const publish = cluster.publishAndReturnOffset?.bind(adapter)
    const add = adapter.addAll.bind(adapter)
    adapter.addAll = (id, rooms) => {
      // Socket.IO gives every socket a room of its own, to which nobody here ever speaks.
      rooms.delete(id)
      if (rooms.size === 0) return
      makeLeanSets(adapter, id, rooms)
      return add(id, rooms)
    }
    const receive = cluster.onMessage?.bind(adapter)
    const fence = new Fence()
    adapter.on('delete-room', (room: string) => fence.forget(room))

    const publishElsewhere = (packet: Packet, opts: PublishedOptions) => {
      if (!publish || !hooks.othersAreThere()) return
      const message = { type: MessageType.BROADCAST, data: { packet, opts } }
      publish(message as unknown as ClusterMessage).catch((reason: unknown) => hooks.notPublished(reason))
    }
    const handOut = ({ room, event, payload, ephemeral, joined, except, elsewhere }: Outgoing) => {
      const others = elsewhere && hooks.publish !== undefined && hooks.othersAreThere()
      // Encoded once for all sockets of all nodes, and not at all where nobody listens.
      if (!others && !adapter.rooms.has(room)) return
      if (adapter.rooms.has(room) && !fence.passes(room, payload)) return
      const packet = eventPacket(namespace.name, event, payload)
      const one = { room, packet, event, payload, ephemeral, joined }
      deliverToRoom(namespace, adapter, one, except === undefined ? undefined : new Set([except]), hooks)
      if (others) hooks.publish?.(namespace.name, room, relayed(cluster.uid, one, except))
    }

    // Socket.IO's own way to speak to rooms ends in the same place.
    adapter.broadcast = (packet: Packet, { rooms, except = new Set(), flags = {} }: BroadcastOptions) => {
      deliverToRooms(namespace, adapter, packet, { rooms, except, flags }, hooks)
      if (!flags.local) publishElsewhere(packet, { rooms: [...rooms], except: [...except], flags })
    }
    if (receive) {
      cluster.onMessage = (message, offset) => {
        const own = message.uid === cluster.uid
        if (own || message.type !== MessageType.BROADCAST || message.data.requestId !== undefined) {
          receive(message, offset)
          return
        }
        const { packet, opts } = message.data as { packet: Packet; opts: PublishedOptions }
        const options = { rooms: new Set(opts.rooms), except: new Set(opts.except), flags: opts.flags }
        deliverToRooms(namespace, adapter, packet, options, hooks)
      }
    }
    const receiveRaw = cluster.onRawMessage?.bind(adapter)
    if (receiveRaw) {
      cluster.onRawMessage = (raw, channel) => {
        if (raw[0] === hintMark) {
          const hint = readHint(raw, cluster.uid)
          if (hint) hooks.hinted(namespace.name, hint.room, hint.words)
          return
        }
        if (raw[0] !== relayMark) return receiveRaw(raw, channel)
        const relay = readRelay(raw, cluster.uid, namespace.name)
        if (relay && adapter.rooms.has(relay.room) && fence.passes(relay.room, relay.payload))
          deliverToRoom(namespace, adapter, relay, relay.except, hooks)
      }
    }
    const hint: LocalFirstAdapter['hint'] = (room, words) => {
      if (hooks.othersAreThere()) hooks.publish?.(namespace.name, room, hinted(cluster.uid, room, words))
    }
    const raise: LocalFirstAdapter['raise'] = (room, epoch) => {
      // Whoever has left meanwhile was the last one, and nobody would forget it again.
      if (adapter.rooms.has(room)) fence.passes(room, { epoch })
    }
    return Object.assign(adapter, { handOut, hint, raise }) satisfies LocalFirstAdapter
  }
}

/** Before Socket.IO makes its own: most sockets are in one room, and in most rooms there is one of them. */
function makeLeanSets(adapter: Adapter, id: string, joined: ReadonlySet<string>): void {
  const lean = () => new MostlyOne<string>() as unknown as Set<string>
  const { sids, rooms } = adapter
  if (!sids.has(id)) sids.set(id, lean())
  for (const room of joined) {
    if (rooms.has(room)) continue
    rooms.set(room, lean())
    adapter.emit('create-room', room)
  }
}

interface PublishedOptions {
  readonly rooms: string[]
  readonly except: string[]
  readonly flags: BroadcastOptions['flags'] & object
}

function deliverToRooms(
  namespace: Namespace,
  adapter: Adapter,
  { data }: Packet,
  { rooms, except, flags }: BroadcastOptions,
  hooks: DeliveryHooks,
): void {
  const [event, payload] = data as [string, unknown]
  const packet = eventPacket(namespace.name, event, payload)
  // Whoever is in several of the rooms gets it once.
  const past = rooms.size > 1 ? new Set(except) : except
  for (const room of rooms) {
    const one = { room, packet, event, payload, ephemeral: flags?.volatile === true, joined: false }
    deliverToRoom(namespace, adapter, one, past, hooks)
    if (past !== except) for (const id of adapter.rooms.get(room) ?? []) past?.add(id)
  }
}

/** Who is in several rooms of one commit is in small ones. To hold the many of a large room for its first event would only cost. */
const fewMembers = 50
/** The large rooms that have got something in this turn of the event loop. */
const spokenTo = new Set<ReadonlySet<string>>()

function isSecond(members: ReadonlySet<string>): boolean {
  if (spokenTo.has(members)) return true
  if (spokenTo.size === 0) setImmediate(() => spokenTo.clear())
  spokenTo.add(members)
  return false
}

function deliverToRoom(
  namespace: Namespace,
  adapter: Adapter,
  { room, packet, event, payload, ephemeral, joined }: Encoded,
  except: ReadonlySet<string> | undefined,
  hooks: DeliveryHooks,
): void {
  const members = adapter.rooms.get(room)
  if (!members) return
  const encoded = frame(packet, ephemeral)
  const together = joined && (members.size <= fewMembers || isSecond(members))
  for (const id of members) {
    if (except?.has(id)) continue
    const socket = namespace.sockets.get(id)
    if (socket && deliver(socket, encoded, hooks.cap, together) === 'too slow') hooks.tooSlow(socket)
  }
  hooks.delivered(namespace.name, room, event, payload)
}
