import type { Socket as Connection } from 'node:net'
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
  const raw = transport.socket?._socket
  if (raw && waitingIn(raw) > cap) return 'too slow'
  if (options.volatile && (conn.writeBuffer.length > 0 || (raw && waitingIn(raw) > 0))) return 'dropped'
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
    if (joined) hold(raw)
    raw.write(bytes)
    if (joined && raw.writableLength - waitingIn(raw) > heldCap) release(raw)
    return 'sent'
  }
  if (conn.writeBuffer.length > bufferedPackets || backlogOf(conn, cap) > cap) return 'too slow'
  client.writeToEngine(encoded, options)
  return 'buffered'
}

/** Also tiny packets cost something while they wait. */
const bufferedPackets = 2_000

/** Connections that are held, and how many bytes waited in them before. */
const held = new Map<Connection, number>()

/**
 * Until the end of this turn of the event loop what is written to a connection is gathered, and then leaves in one call to the system:
 * an acknowledgement together with the events of the same commit, and events of many conversations to one member. Whatever else writes
 * to the connection is held in its place, so that nothing overtakes anything.
 */
function hold(connection: Connection): void {
  if (held.has(connection)) return
  if (held.size === 0) setImmediate(releaseAll)
  held.set(connection, connection.writableLength)
  connection.cork()
}

/** Beyond this there is nothing to be gained, and what is held back would soon look like what was not taken. */
const heldCap = 256 * 1024

function release(connection: Connection): void {
  held.delete(connection)
  connection.uncork()
}

function releaseAll(): void {
  for (const connection of held.keys()) release(connection)
}

/** What is only held back says nothing about how fast a connection takes. */
const waitingIn = (connection: Connection): number => held.get(connection) ?? connection.writableLength

/** Ends a connection that will not take a goodbye either. Its client sees a lost connection and comes back by itself. */
export function cut(socket: Socket): void {
  const { transport } = (socket as unknown as Internals).conn
  if (transport.socket) transport.socket.terminate()
  else socket.conn.close(true)
}
