import { Decoder, Encoder, PacketType } from 'socket.io-parser'

/**
 * Socket.IO's own encoding, without what nobody here sends: binary packets, whose attachments a decoder has to keep until all have
 * come. A connection that sends one, or anything malformed, is closed by Socket.IO.
 */
class TextOnlyDecoder extends Decoder {
  override add(data: unknown): void {
    if (typeof data !== 'string') throw new Error('binary packets are not spoken here')
    const type = data.charCodeAt(0) - 48
    if (type === PacketType.BINARY_EVENT || type === PacketType.BINARY_ACK)
      throw new Error('binary packets are not spoken here')
    super.add(data)
  }
}

export const strictParser = { Encoder, Decoder: TextOnlyDecoder }
