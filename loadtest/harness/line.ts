import { Agent } from 'node:http'
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net'

/** The network between one client and its server, which can go away and come back. Given to a client as its `agent`. */
export class Line extends Agent {
  /** Told of each connection that begins while the network is there. */
  onDial: () => void = () => undefined
  readonly #sockets = new Set<Socket>()
  #down = false

  /** Without a goodbye on either side; whoever dials before it is back gets nowhere. */
  cut(): void {
    this.#down = true
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  restore(): void {
    this.#down = false
  }

  override createConnection(options: Pick<TcpNetConnectOpts, 'host' | 'port'>): Socket {
    const socket = connect({ host: options.host ?? '127.0.0.1', port: Number(options.port) })
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    if (this.#down) socket.destroy(new Error('there is no network'))
    else this.onDial()
    return socket
  }
}
