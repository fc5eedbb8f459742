import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { TokenBuckets } from './tokenBucket.ts'

/** Browsers send no control frames of their own, and a program that checks its line needs one now and then. */
const controlFrames = { perSecond: 5, burst: 50 } as const

/** What a connection may send before anyone knows who it is (S4). */
export const strangersBytes = 16 * 1024

/**
 * WebSockets that cost no more than a chat needs. Empty and tiny fragments cost more than they carry: a message of ours fits into a few.
 * Pings are answered only while nothing waits for the connection: whoever sends them and reads no answer would fill our memory.
 */
export class FrugalWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({
      ...options,
      WebSocket: FrugalWebSocket,
      // Until it is known who they are of; then `capMessages` raises it.
      maxPayload: strangersBytes,
      maxFragments: 64,
      maxBufferedChunks: 2_048,
      autoPong: false,
      // Who does not answer our goodbye is left all the same; half a minute would be long for so many as like.
      closeTimeout: 3_000,
    } as ServerOptions)
  }

  override handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    done: (client: WebSocket, request: IncomingMessage) => void,
  ): void {
    super.handleUpgrade(request, socket, head, (webSocket, about) => {
      // From here on ws listens.
      socket.off('error', giveUp)
      done(webSocket, about)
    })
  }
}

/** What ws keeps of the message that it has read last. */
interface Masked {
  readonly _receiver: { _mask: Buffer | undefined }
}

const counted = new TokenBuckets<WebSocket>(controlFrames.perSecond, controlFrames.burst)

/** Forgets connections that are gone; to be called now and then. */
export const sweepControlFrames = (): void => void counted.sweep()

class FrugalWebSocket extends WebSocket {
  /** Two listeners more would cost every connection more than all else that is kept here. */
  override emit(event: string | symbol, ...about: unknown[]): boolean {
    if (event === 'ping' || event === 'pong') this.#control(event, about[0] as Buffer)
    // A part of what was read, which it would keep until the next message. That brings one of its own.
    if (event === 'message') (this as unknown as Masked)._receiver._mask = undefined
    return super.emit(event, ...about)
  }

  #control(event: 'ping' | 'pong', data: Buffer): void {
    if (counted.take(this) > 0) this.terminate()
    else if (event === 'ping' && this.bufferedAmount === 0) this.pong(data)
  }
}

function giveUp(this: Duplex): void {
  this.destroy()
}

/**
 * Between a request to upgrade and the WebSocket there are moments when nobody listens to the connection; an error that comes then, a
 * caller who hangs up, would end the process.
 */
export function surviveBrokenUpgrades(server: HttpServer): void {
  server.on('upgrade', (_request, socket: Duplex) => {
    socket.on('error', giveUp)
  })
}

/** What Engine.IO and ws keep of the size that a message may have; tests with strangers who send too much fail when these are not its names any more. */
interface SizedTransport {
  maxHttpBufferSize?: number
  readonly socket?: { readonly _receiver?: { _maxPayload: number } }
}

/** Sets the size from which a message is refused before it is read to its end. */
export function capMessages(transport: object, bytes: number): void {
  const sized = transport as SizedTransport
  if (sized.socket?._receiver) sized.socket._receiver._maxPayload = bytes
  else sized.maxHttpBufferSize = bytes
}
