import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { networkOf } from '../kernel/index.ts'
import type { Limits } from './limits.ts'

/** Of a connection that sends requests. */
interface Caller {
  readonly address: string
  /** Begun, and not answered. */
  underWay: number
  idle: boolean
}

/**
 * A connection that is kept after its answer waits for a next request that may never come. An address has so many of them; what is more is
 * closed after its answer, and the next request brings its own connection. One whose request goes on after its answer waits as well: what it
 * still brings nobody reads, and never to end would be a way around. Behind a proxy the connections are the proxy's own.
 */
export function countIdle(server: HttpServer, limits: Limits, trustProxy: number): void {
  if (trustProxy > 0) return
  const callers = new WeakMap<Socket, Caller>()

  function callerOn(socket: Socket): Caller {
    const known = callers.get(socket)
    if (known) return known
    const caller = { address: networkOf(socket.remoteAddress ?? 'unknown'), underWay: 0, idle: false }
    callers.set(socket, caller)
    socket.on('close', gone)
    return caller
  }
  function busy(caller: Caller): void {
    if (caller.idle) limits.idle.closed(caller.address)
    caller.idle = false
  }
  function gone(this: Socket): void {
    const caller = callers.get(this)
    if (caller) busy(caller)
    callers.delete(this)
  }
  function over(socket: Socket, caller: Caller): void {
    caller.underWay--
    if (caller.underWay > 0 || !callers.has(socket)) return
    caller.idle = limits.idle.opened(caller.address)
    if (!caller.idle) socket.destroySoon()
  }
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const caller = callerOn(socket)
    busy(caller)
    caller.underWay++
    response.once('close', () => over(socket, caller))
  })
  // It has become a WebSocket, which is counted as such, and keeps nothing of this.
  server.prependListener('upgrade', ({ socket }: IncomingMessage) => {
    gone.call(socket)
    socket.off('close', gone)
  })
}
