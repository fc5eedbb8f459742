import type { Namespace, Socket } from 'socket.io'
import { type Adapter, type BroadcastOptions, type ClusterMessage, MessageType } from 'socket.io-adapter'
import { type Packet, PacketType } from 'socket.io-parser'
import { deliver, type Frame, frame } from './frames.ts'

export type MakeAdapter = (namespace: Namespace) => Adapter

export interface DeliveryHooks {
  /** Bytes that may wait for one connection. */
  readonly cap: number
  /** A socket takes too slowly what is sent to it (L9). */
  tooSlow(socket: Socket): void
  /** An event has been handed to all sockets of a room on this node, wherever it came from. */
  delivered(namespace: string, room: string, event: unknown, payload: unknown): void
  /** The bus did not take a publication; the log will tell the other nodes later (L4). */
  notPublished(reason: unknown): void
}

/** What the cluster adapter keeps to itself and this one needs; a test asserts that these are still its names. */
interface ClusterInternals {
  publishAndReturnOffset?(message: ClusterMessage): Promise<string>
  onMessage?(message: ClusterMessage, offset?: string): void
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
    const receive = cluster.onMessage?.bind(adapter)

    const deliverHere = (packet: Packet, options: BroadcastOptions) =>
      deliverToRooms(namespace, adapter, packet, options, hooks)

    adapter.broadcast = (packet: Packet, options: BroadcastOptions) => {
      deliverHere(packet, options)
      if (!publish || options.flags?.local) return
      publish({
        type: MessageType.BROADCAST,
        data: {
          packet,
          opts: { rooms: [...options.rooms], except: [...(options.except ?? [])], flags: options.flags },
        },
      } as unknown as ClusterMessage).catch((reason: unknown) => hooks.notPublished(reason))
    }
    if (receive) {
      cluster.onMessage = (message, offset) => {
        const own = message.uid === (adapter as unknown as { uid: string }).uid
        if (own || message.type !== MessageType.BROADCAST || message.data.requestId !== undefined) {
          receive(message, offset)
          return
        }
        const { packet, opts } = message.data as {
          packet: Packet
          opts: { rooms: string[]; except: string[]; flags: object }
        }
        deliverHere(packet, { rooms: new Set(opts.rooms), except: new Set(opts.except), flags: opts.flags })
      }
    }
    return adapter
  }
}

function deliverToRooms(
  namespace: Namespace,
  adapter: Adapter,
  packet: Packet,
  { rooms, except, flags }: BroadcastOptions,
  hooks: DeliveryHooks,
): void {
  const ephemeral = flags?.volatile === true
  let encoded: Frame | undefined
  const seen = rooms.size > 1 ? new Set<string>() : undefined
  for (const room of rooms) {
    const members = adapter.rooms.get(room)
    if (!members) continue
    for (const id of members) {
      if (except?.has(id) || seen?.has(id)) continue
      seen?.add(id)
      const socket = namespace.sockets.get(id)
      if (!socket) continue
      // Encoded once, and not at all where nobody listens.
      encoded ??= frame(encode(adapter, namespace.name, packet), ephemeral)
      if (deliver(socket, encoded, hooks.cap) === 'too slow') hooks.tooSlow(socket)
    }
    const [event, payload] = packet.data as [unknown, unknown]
    hooks.delivered(namespace.name, room, event, payload)
  }
}

function encode(adapter: Adapter, nsp: string, packet: Packet): string[] {
  const { encoder } = adapter as unknown as { encoder: { encode(packet: Packet): string[] } }
  return encoder.encode({ ...packet, type: PacketType.EVENT, nsp })
}
