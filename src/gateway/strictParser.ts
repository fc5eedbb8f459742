import type { Socket } from 'socket.io'
import { Decoder, Encoder, isPacketValid, type Packet, PacketType } from 'socket.io-parser'

/** Takes a command: its name and arguments, and the id under which an acknowledgement is expected. */
export type Receiver = (name: unknown, args: readonly unknown[], id: string | undefined) => void

/**
 * Socket.IO's own encoding, without what nobody here sends: binary packets, whose attachments a decoder has to keep until all have
 * come. A connection that sends one, or anything malformed, is closed by Socket.IO.
 *
 * Events of a namespace that has a receiver go to it at once. Socket.IO would take each through two ticks, five listeners and an
 * acknowledgement made for the case, which together cost more than reading it.
 */
class TextOnlyDecoder extends Decoder {
  /** One connection is one session, so there is one namespace at most. */
  #namespace = ''
  #receiver: Receiver | undefined

  receive(namespace: string, receiver: Receiver | undefined): void {
    this.#namespace = namespace
    this.#receiver = receiver
  }

  override add(data: unknown): void {
    if (typeof data !== 'string') throw new Error('binary packets are not spoken here')
    const type = data.charCodeAt(0) - 48
    if (type === PacketType.BINARY_EVENT || type === PacketType.BINARY_ACK)
      throw new Error('binary packets are not spoken here')
    if (type === PacketType.EVENT && this.#receiver) {
      const comma = 1 + this.#namespace.length
      if (data.startsWith(this.#namespace, 1) && data.charAt(comma) === ',') {
        hand(this.#receiver, data, comma + 1)
        return
      }
    }
    super.add(data)
  }
}

/** An id is the client's matter and is given back as it came; no client counts this far. */
const longestId = 40

function hand(receiver: Receiver, data: string, start: number): void {
  let at = start
  for (let code = data.charCodeAt(at); code >= 48 && code <= 57; code = data.charCodeAt(at)) at++
  if (at - start > longestId) throw new Error('invalid id')
  const packet: Packet = { type: PacketType.EVENT, nsp: '/', data: JSON.parse(data.slice(at)) }
  if (!isPacketValid(packet)) throw new Error('invalid payload')
  const [name, ...args] = packet.data as unknown[]
  receiver(name, args, at === start ? undefined : data.slice(start, at))
}

export const strictParser = { Encoder, Decoder: TextOnlyDecoder }

/** From now on the events of this socket go straight to the receiver; `undefined` ends that. */
export function receiveFrom(socket: Socket, receiver: Receiver | undefined): void {
  const { decoder } = socket.client as unknown as { decoder: TextOnlyDecoder }
  decoder.receive(socket.nsp.name, receiver)
}
