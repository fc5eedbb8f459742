import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** Also where the machine has much else to do; what has to happen sooner than something else is compared with that. */
const patienceMs = 20_000

/** A WebSocket of which every byte is made here: what a client that means no good can send. */
export interface RawSocket {
  readonly tcp: Socket
  /** The text frames that came, without Engine.IO's pings. */
  readonly received: string[]
  /** Sends text in one proper frame. */
  say(text: string): void
  write(bytes: Buffer | string): void
  /** Whether the server has said goodbye or is gone. */
  isClosed(): boolean
  /** Whether it ends within this time. */
  ends(withinMs?: number): Promise<boolean>
  /** The first text that fits. */
  hears(fits: (text: string) => boolean, withinMs?: number): Promise<string>
  destroy(): void
}

export interface FrameOptions {
  readonly fin?: boolean
  readonly masked?: boolean
  readonly rsv?: number
  /** A length that the header claims instead of the true one. */
  readonly claimed?: number | bigint
}

export function frameOf(opcode: number, payload: Buffer | string = '', options: FrameOptions = {}): Buffer {
  const { fin = true, masked = true, rsv = 0 } = options
  const data = Buffer.from(payload)
  const length = BigInt(options.claimed ?? data.length)
  const first = Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode])
  const mask = masked ? randomBytes(4) : Buffer.alloc(0)
  const flag = masked ? 0x80 : 0
  let size: Buffer
  if (length < 126n) size = Buffer.from([flag | Number(length)])
  else if (length < 65_536n) {
    size = Buffer.alloc(3)
    size.writeUInt8(flag | 126)
    size.writeUInt16BE(Number(length), 1)
  } else {
    size = Buffer.alloc(9)
    size.writeUInt8(flag | 127)
    size.writeBigUInt64BE(length, 1)
  }
  const body = masked ? data.map((byte, at) => byte ^ (mask[at % 4] ?? 0)) : data
  return Buffer.concat([first, size, mask, body])
}

export const upgradeRequest = (query = '', headers: Record<string, string> = {}): string =>
  [
    `GET /socket.io/?EIO=4&transport=websocket${query} HTTP/1.1`,
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n')

export const rawTcp = (url: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname, () => {
      // Being cut off is what these connections are for.
      socket.off('error', reject).on('error', () => undefined)
      resolve(socket)
    }).once('error', reject)
  })

export async function rawSocket(
  url: string,
  query = '',
  headers: Record<string, string> = {},
): Promise<RawSocket> {
  const tcp = await rawTcp(url)
  const received: string[] = []
  let closed = false
  tcp.on('close', () => {
    closed = true
  })
  let upgraded = false
  let rest: Buffer = Buffer.alloc(0)
  tcp.on('data', chunk => {
    rest = Buffer.concat([rest, chunk])
    if (!upgraded) {
      const end = rest.indexOf('\r\n\r\n')
      if (end < 0) return
      upgraded = true
      rest = rest.subarray(end + 4)
    }
    rest = takeFrames(rest, (text, opcode) => {
      // A goodbye, which is not answered.
      if (opcode === 8) closed = true
      if (opcode !== 1) return
      // Engine.IO asks whether we live.
      if (text === '2') tcp.write(frameOf(1, '3'))
      else received.push(text)
    })
  })
  const until = async (done: () => boolean, withinMs: number) => {
    const deadline = performance.now() + withinMs
    while (!done() && performance.now() < deadline) await new Promise(resolve => setTimeout(resolve, 5))
    return done()
  }
  tcp.write(upgradeRequest(query, headers))
  if (!(await until(() => received.length > 0 || closed, patienceMs)))
    throw new Error(`not within ${patienceMs} ms: an answer to the handshake`)
  return {
    tcp,
    received,
    say: text => void tcp.write(frameOf(1, text)),
    write: bytes => void tcp.write(bytes),
    isClosed: () => closed,
    ends: (withinMs = patienceMs) => until(() => closed, withinMs),
    hears: async (fits, withinMs = patienceMs) => {
      await until(() => received.some(fits), withinMs)
      const found = received.find(fits)
      if (found === undefined)
        throw new Error(
          `${closed ? 'closed before it was heard' : `not within ${withinMs} ms: it is heard`}; ${received.join(' ').slice(-1_000)}`,
        )
      return found
    },
    destroy: () => tcp.destroy(),
  }
}

/** Whole frames from the front; returns what is left. Servers do not mask. */
function takeFrames(bytes: Buffer, frame: (text: string, opcode: number) => void): Buffer {
  let at = 0
  while (bytes.length >= at + 2) {
    const short = (bytes[at + 1] ?? 0) & 0x7f
    const header = short === 127 ? 10 : short === 126 ? 4 : 2
    if (bytes.length < at + header) break
    const length =
      short === 127
        ? Number(bytes.readBigUInt64BE(at + 2))
        : short === 126
          ? bytes.readUInt16BE(at + 2)
          : short
    if (bytes.length < at + header + length) break
    frame(bytes.toString('utf8', at + header, at + header + length), (bytes[at] ?? 0) & 0x0f)
    at += header + length
  }
  return bytes.subarray(at)
}
