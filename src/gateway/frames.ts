import type { Socket } from 'socket.io'
import { WebSocket } from 'ws'
import { backlogOf } from './backlog.ts'

/**
 * One encoded packet for many sockets. Socket.IO encodes a broadcast once, but walks every socket through Engine.IO's buffers, events and
 * callbacks. Where nothing waits in them, the WebSocket frame goes to the connection directly; the order of
 * packets is kept because whatever waits sends the rest the long way.
 */
export interface Frame {
  readonly encoded: string[]
  readonly options: { preEncoded: true; volatile: boolean; compress: false; wsPreEncodedFrame: Buffer[] }
  readonly bytes: Buffer
}

interface Sender {
  _bufferedBytes?: number
  _state?: number
}

/** What Engine.IO and ws keep of a connection; a test asserts that these are still their names. */
interface Internals {
  readonly conn: {
    readonly readyState: string
    readonly upgrading?: boolean
    readonly writeBuffer: { readonly length: number }
    readonly transport: {
      readonly name: string
      readonly writable: boolean
      readonly socket?: WebSocket & {
        readonly _sender?: Sender
        readonly _socket?: import('node:net').Socket
      }
    }
  }
  readonly client: { writeToEngine(encoded: readonly string[], options: object): void }
}

const frameOf = (WebSocket as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } })
  .Sender.frame

export function frame(encoded: string[], ephemeral: boolean): Frame {
  // "4" is Engine.IO's packet type "message".
  const list = frameOf(Buffer.from(`4${encoded[0]}`), {
    readOnly: false,
    mask: false,
    rsv1: false,
    opcode: 1,
    fin: true,
  })
  return {
    encoded,
    options: { preEncoded: true, volatile: ephemeral, compress: false, wsPreEncodedFrame: list },
    bytes: Buffer.concat(list),
  }
}

export type Outcome = 'sent' | 'buffered' | 'dropped' | 'too slow'

/** Sends a frame to one socket. `cap`: how many bytes may wait for a connection before it counts as too slow (L9). */
export function deliver(socket: Socket, { encoded, options, bytes }: Frame, cap: number): Outcome {
  const { conn, client } = socket as unknown as Internals
  const { transport } = conn
  const raw = transport.socket?._socket
  if (raw && raw.writableLength > cap) return 'too slow'
  if (options.volatile && (conn.writeBuffer.length > 0 || (raw && raw.writableLength > 0))) return 'dropped'
  const direct =
    raw !== undefined &&
    transport.writable &&
    transport.name === 'websocket' &&
    conn.readyState === 'open' &&
    conn.writeBuffer.length === 0 &&
    !conn.upgrading &&
    transport.socket?.readyState === WebSocket.OPEN &&
    transport.socket._sender?._state === 0
  if (direct) {
    raw.write(bytes)
    return 'sent'
  }
  if (conn.writeBuffer.length > bufferedPackets || backlogOf(conn, cap) > cap) return 'too slow'
  client.writeToEngine(encoded, options)
  return 'buffered'
}

/** Also tiny packets cost something while they wait. */
const bufferedPackets = 2_000

/** Ends a connection that will not take a goodbye either. Its client sees a lost connection and comes back by itself. */
export function cut(socket: Socket): void {
  const { transport } = (socket as unknown as Internals).conn
  if (transport.socket) transport.socket.terminate()
  else socket.conn.close(true)
}
