import type { Socket as Connection } from 'node:net'
import type { Socket } from 'socket.io'
import { WebSocket } from 'ws'
import { backlogOf } from './backlog.ts'
import { hold, releaseIfMuch, waitingIn } from './held.ts'

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
        readonly _socket?: Connection
      }
    }
  }
  readonly client: { writeToEngine(encoded: readonly string[], options: object): void }
}

/** The packet of an event, or with an id the acknowledgement of a command, as Socket.IO writes them. */
export const eventPacket = (namespace: string, event: unknown, payload: unknown): string =>
  `2${namespace},${JSON.stringify([event, payload])}`
export const ackPacket = (namespace: string, id: string, answer: unknown): string =>
  `3${namespace},${id}[${JSON.stringify(answer)}]`

/** A whole text frame, unmasked as servers send it, in one buffer. */
export function frame(packet: string, ephemeral: boolean): Frame {
  // "4" is Engine.IO's packet type "message".
  const length = 1 + Buffer.byteLength(packet)
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const bytes = Buffer.allocUnsafe(head + length)
  bytes[0] = 0x81
  if (head === 2) bytes[1] = length
  else if (head === 4) {
    bytes[1] = 126
    bytes.writeUInt16BE(length, 2)
  } else {
    bytes[1] = 127
    bytes.writeUIntBE(0, 2, 4)
    bytes.writeUInt32BE(length, 6)
  }
  bytes[head] = 0x34
  bytes.write(packet, head + 1)
  return {
    encoded: [packet],
    options: { preEncoded: true, volatile: ephemeral, compress: false, wsPreEncodedFrame: [bytes] },
    bytes,
  }
}

export type Outcome = 'sent' | 'buffered' | 'dropped' | 'too slow'

/**
 * Sends a frame to one socket. `cap`: how many bytes may wait for a connection before it counts as too slow (L9). `joined`: more is
 * likely to follow in this turn of the event loop, and leaves together with it.
 */
export function deliver(
  socket: Socket,
  { encoded, options, bytes }: Frame,
  cap: number,
  joined: boolean,
): Outcome {
  const { conn, client } = socket as unknown as Internals
  const { transport } = conn
  // Already on its way out; what it misses it reads later from the log.
  if (conn.readyState !== 'open') return 'dropped'
  // The other side has said goodbye: Engine.IO hears of it later, and behind our answer to that nothing may be sent.
  if (transport.socket && transport.socket.readyState !== WebSocket.OPEN) return 'dropped'
  const raw = transport.socket?._socket
  if (raw && raw.writableLength > cap && waitingIn(raw) > cap) return 'too slow'
  if (transport.name === 'polling' && options.volatile) return deliverByPolling(socket, encoded, options, cap)
  if (options.volatile && (conn.writeBuffer.length > 0 || (raw && waitingIn(raw) > 0))) return 'dropped'
  const direct =
    raw !== undefined &&
    transport.writable &&
    transport.name === 'websocket' &&
    conn.writeBuffer.length === 0 &&
    !conn.upgrading &&
    transport.socket?._sender?._state === 0
  if (direct) {
    if (joined) hold(raw)
    raw.write(bytes)
    if (joined) releaseIfMuch(raw)
    return 'sent'
  }
  if (conn.writeBuffer.length > bufferedPackets || backlogOf(conn, cap) > cap) return 'too slow'
  client.writeToEngine(encoded, options)
  return 'buffered'
}

/**
 * What may be lost, to who polls: between two polls nothing can be written at once, and every other event would take the place of the next
 * piece of an answer. So it waits for the next poll like everything else, but only in a part of the room that the rest has.
 */
function deliverByPolling(
  socket: Socket,
  encoded: string[],
  options: Frame['options'],
  cap: number,
): Outcome {
  const { conn, client } = socket as unknown as Internals
  const most = cap * ephemeralShare
  if (conn.writeBuffer.length > bufferedPackets * ephemeralShare || backlogOf(conn, most) > most)
    return 'dropped'
  client.writeToEngine(encoded, { ...options, volatile: false })
  return 'buffered'
}

/** Also tiny packets cost something while they wait. */
const bufferedPackets = 2_000
/** So much of what may wait may be lost as well: it must not be what ends a connection. */
const ephemeralShare = 1 / 4

/** Ends a connection that will not take a goodbye either. Its client sees a lost connection and comes back by itself. */
export function cut(socket: Socket): void {
  const { transport } = (socket as unknown as Internals).conn
  if (transport.socket) transport.socket.terminate()
  else socket.conn.close(true)
}
