import type { Socket } from 'socket.io'
import { Decoder, Encoder, isPacketValid, type Packet, PacketType } from 'socket.io-parser'
import { ParleyError } from '../kernel/index.ts'
import { audiences } from '../protocol/index.ts'
import { describe } from './failure.ts'

/** Takes a command: its name and arguments, and the id under which an acknowledgement is expected. */
export type Receiver = (
  socket: Socket,
  name: unknown,
  args: readonly unknown[],
  id: string | undefined,
) => void

type PacketListener = (packet: Packet) => void

/**
 * Socket.IO's own encoding, without what nobody here sends: binary packets, whose attachments a decoder has to keep until all have
 * come. A connection that sends one, or anything malformed, is closed by Socket.IO.
 *
 * Events of a namespace that has a receiver go to it at once. Socket.IO would take each through two ticks, five listeners and an
 * acknowledgement made for the case, which together cost more than reading it. All else is read by one decoder for everybody: a
 * packet of text leaves nothing behind in it.
 */
class TextOnlyDecoder {
  /** One connection is one session, so there is one socket at most. */
  #socket: Socket | undefined
  #receiver: Receiver | undefined
  #decoded: PacketListener | undefined

  receive(socket: Socket, receiver: Receiver | undefined): void {
    this.#socket = socket
    this.#receiver = receiver
  }

  add(data: unknown): void {
    if (typeof data !== 'string') throw new Error('binary packets are not spoken here')
    const type = data.charCodeAt(0) - 48
    if (type === PacketType.BINARY_EVENT || type === PacketType.BINARY_ACK)
      throw new Error('binary packets are not spoken here')
    if (type === PacketType.EVENT && this.#receiver && this.#socket) {
      const namespace = this.#socket.nsp.name
      const comma = 1 + namespace.length
      if (data.startsWith(namespace, 1) && data.charAt(comma) === ',') {
        hand(this.#receiver, this.#socket, data, comma + 1)
        return
      }
    }
    const packet = read(data)
    this.#decoded?.(packet)
  }

  /** What Socket.IO asks of a decoder besides; it listens for packets and nothing else, and once. */
  on(_decoded: string, listener: PacketListener): void {
    this.#decoded = listener
  }

  removeListener(): void {
    this.#decoded = undefined
  }

  destroy(): void {
    this.#decoded = undefined
  }
}

const shared = new Decoder()
let latest: Packet | undefined
shared.on('decoded', (packet: Packet) => {
  latest = packet
})

function read(data: string): Packet {
  shared.add(data)
  const packet = latest
  latest = undefined
  if (!packet) throw new Error('no packet')
  return packet
}

/** An id is the client's matter and is given back as it came; no client counts this far. */
const longestId = 40

function hand(receiver: Receiver, socket: Socket, data: string, start: number): void {
  let at = start
  for (let code = data.charCodeAt(at); code >= 48 && code <= 57; code = data.charCodeAt(at)) at++
  if (at - start > longestId) throw new Error('invalid id')
  const packet: Packet = { type: PacketType.EVENT, nsp: '/', data: JSON.parse(data.slice(at)) }
  if (!isPacketValid(packet)) throw new Error('invalid payload')
  const [name, ...args] = packet.data as unknown[]
  receiver(socket, name, args, at === start ? undefined : data.slice(start, at))
}

/** What is said to who asks for a namespace that is none. */
export const noNamespace = describe(
  new ParleyError('not_found', `The namespaces are /${audiences.join(', /')}.`),
)

/** Socket.IO has words of its own for that, and no place to say others. */
class TableEncoder extends Encoder {
  override encode(packet: Packet): string[] {
    const own = packet.type === PacketType.CONNECT_ERROR && packet.data.data === undefined
    return super.encode(
      own ? { ...packet, data: { message: noNamespace.message, data: noNamespace } } : packet,
    )
  }
}

export const strictParser = { Encoder: TableEncoder, Decoder: TextOnlyDecoder }

/** From now on the events of this socket go straight to the receiver; `undefined` ends that. */
export function receiveFrom(socket: Socket, receiver: Receiver | undefined): void {
  const { decoder } = socket.client as unknown as { decoder: TextOnlyDecoder }
  decoder.receive(socket, receiver)
}
