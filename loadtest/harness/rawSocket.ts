import { WebSocket } from 'ws'

export interface RawSocketOptions {
  readonly url: string
  readonly namespace: string
  readonly auth?: Readonly<Record<string, unknown>> | undefined
  readonly query?: Readonly<Record<string, string>> | undefined
  /** From the first event on, also those that come with the connection. */
  readonly onEvent?: ((text: string) => void) | undefined
}

export class Refused extends Error {
  readonly retryable: boolean

  constructor(message: string, retryable: boolean) {
    super(message)
    this.retryable = retryable
  }
}

/**
 * The wire of Socket.IO spoken by hand: the cheapest client there is, so that the load costs little beside what it loads.
 * Payloads stay text until somebody asks.
 */
export class RawSocket {
  /** Told of every event as it came, without the packet's head: `["name",payload]`. */
  onEvent: (text: string) => void = () => undefined
  onClose: () => void = () => undefined
  /** What Socket.IO said when it let this connection in. */
  welcome: { readonly sid?: string; readonly pid?: string } = {}
  readonly #ws: WebSocket
  readonly #head: string
  readonly #waiting = new Map<number, (answer: string) => void>()
  #asked = 0

  private constructor(ws: WebSocket, namespace: string) {
    this.#ws = ws
    this.#head = namespace === '/' ? '' : `${namespace},`
  }

  static connect({ url, namespace, auth = {}, query = {}, onEvent }: RawSocketOptions): Promise<RawSocket> {
    const address = new URL('/socket.io/', url.replace(/^http/, 'ws'))
    address.search = new URLSearchParams({ ...query, EIO: '4', transport: 'websocket' }).toString()
    const ws = new WebSocket(address, { perMessageDeflate: false, skipUTF8Validation: true })
    const socket = new RawSocket(ws, namespace)
    if (onEvent) socket.onEvent = onEvent
    return new Promise((resolve, reject) => {
      ws.once('error', reject)
      ws.on('message', (data: Buffer) => socket.#receive(data, auth, resolve, reject))
      ws.once('close', () => {
        reject(new Error('the connection was closed'))
        socket.onClose()
      })
    })
  }

  #receive(
    data: Buffer,
    auth: object,
    connected: (socket: RawSocket) => void,
    refused: (error: Error) => void,
  ): void {
    const text = data.toString('latin1')
    const [engine, packet] = text
    if (engine === '2') this.#ws.send('3')
    if (engine === '0') this.#ws.send(`40${this.#head}${JSON.stringify(auth)}`)
    if (engine !== '4') return
    const at = 2 + this.#head.length
    if (packet === '2') this.onEvent(text.slice(at))
    else if (packet === '3') {
      const bracket = text.indexOf('[', at)
      const id = Number(text.slice(at, bracket))
      const answer = this.#waiting.get(id)
      this.#waiting.delete(id)
      answer?.(text.slice(bracket))
    } else if (packet === '0') {
      this.welcome = JSON.parse(text.slice(at)) as RawSocket['welcome']
      connected(this)
    } else if (packet === '4') refused(new Error(`refused: ${text}`))
  }

  /** `payload` is JSON already; the answer is the acknowledgement's list of arguments as it came. */
  send(name: string, payload: string, answered: (answer: string) => void): void {
    const id = ++this.#asked
    this.#waiting.set(id, answered)
    this.#ws.send(`42${this.#head}${id}["${name}",${payload}]`)
  }

  /** The value of the acknowledgement of a command of ours. */
  ask<Value>(name: string, payload: unknown): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.send(name, JSON.stringify(payload), answer => {
        const [ack] = JSON.parse(answer) as [{ ok: boolean; value: Value; error?: { retryable: boolean } }]
        if (ack.ok) resolve(ack.value)
        else reject(new Refused(`${name} was refused: ${answer}`, ack.error?.retryable ?? false))
      })
    })
  }

  /** Without a goodbye, as when a network is gone. */
  kill(): void {
    this.#ws.terminate()
  }
}
