import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import { networkOf } from '../kernel/index.ts'
import type { Limits } from './limits.ts'

/**
 * A connection that has not said to its end what it wants is nobody's yet: it counts for its address until then, and Node ends it soon
 * (`openDoor`). Behind a proxy all come from the proxy's address, which must not be shut out for it; there the proxy holds back what is
 * not complete.
 */
export function countSilent(server: HttpServer, limits: Limits, trustProxy: number): void {
  if (trustProxy > 0) return
  /** Under which address each is counted. */
  const silent = new WeakMap<Socket, string>()
  function spoken(this: Socket): void {
    const address = silent.get(this)
    if (address === undefined) return
    silent.delete(this)
    this.off('close', spoken)
    limits.silent.closed(address)
  }
  server.on('connection', socket => {
    const address = networkOf(socket.remoteAddress ?? 'unknown')
    if (!limits.silent.opened(address)) {
      socket.destroy()
      return
    }
    silent.set(socket, address)
    socket.on('close', spoken)
  })
  for (const event of ['request', 'upgrade'])
    server.prependListener(event, ({ socket }: { socket: Socket }) => spoken.call(socket))
}
