import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import { TokenBucket } from './tokenBucket.ts'

/** Browsers send no control frames of their own, and a program that checks its line needs one now and then. */
const controlFrames = { perSecond: 5, burst: 50 } as const

/**
 * WebSockets that cost no more than a chat needs. Empty and tiny fragments cost more than they carry: a message of ours fits into a few.
 * Pings are answered only while nothing waits for the connection: whoever sends them and reads no answer would fill our memory.
 */
export class FrugalWebSocketServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({
      ...options,
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
      countControlFrames(webSocket)
      done(webSocket, about)
    })
  }
}

/** A function of its own: a listener made above would keep the whole request for as long as the connection lives. */
function countControlFrames(webSocket: WebSocket): void {
  let bucket: TokenBucket | undefined
  const counted = () => {
    bucket ??= new TokenBucket(controlFrames.perSecond, controlFrames.burst)
    if (bucket.take() === 0) return true
    webSocket.terminate()
    return false
  }
  webSocket.on('ping', data => {
    if (counted() && webSocket.bufferedAmount === 0) webSocket.pong(data)
  })
  webSocket.on('pong', counted)
}

/**
 * Between a request to upgrade and the WebSocket there are moments when nobody listens to the connection; an error that comes then, a
 * caller who hangs up, would end the process.
 */
export function surviveBrokenUpgrades(server: HttpServer): void {
  server.on('upgrade', (_request, socket: Duplex) => {
    socket.on('error', () => socket.destroy())
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
