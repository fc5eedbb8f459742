import type { SocketPort } from '../../../src/client/index.ts'
import { byPolling, byWebSocket, type OpenTransport, type Transport } from './transports.ts'

type Listener = (payload: never) => void

/** A WebSocket that is neither opened nor refused within this time is on a network that swallows it. */
const patienceMs = 4_000
const namespace = '/visitor'

/**
 * Socket.IO 5 over Engine.IO 4, as much of them as the gateway speaks to visitors: one namespace, JSON alone, no upgrade, no reconnection, which
 * is the client's. The usual library does all of that as well and weighs a third of what the whole widget may.
 */
export class VisitorSocket implements SocketPort {
  auth: object = {}
  connected = false
  readonly #address: string
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #acks = new Map<number, Listener>()
  #lastAck = 0
  #line: Line | undefined
  /** What worked the last time is tried first. */
  #order: readonly OpenTransport[] = [byWebSocket, byPolling]

  constructor(origin: string, widget: string) {
    this.#address = `${origin}/socket.io/?EIO=4&widget=${encodeURIComponent(widget)}`
  }

  /** Browsers know earlier than any heartbeat that a network is gone. */
  readonly #offline = () => {
    if (this.#line) this.#lost(this.#line)
  }

  connect(): void {
    if (this.#line) return
    addEventListener('offline', this.#offline)
    this.#open(0)
  }

  disconnect(): void {
    const was = this.connected
    removeEventListener('offline', this.#offline)
    this.#drop()
    if (was) this.#tell('disconnect', undefined)
  }

  on(event: string, listener: Listener): void {
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners.add(listener))
  }

  off(event: string, listener: Listener): void {
    this.#listeners.get(event)?.delete(listener)
  }

  emit(event: string, input: unknown, acknowledge: Listener): void {
    if (!this.connected) return
    const id = ++this.#lastAck
    this.#acks.set(id, acknowledge)
    this.#send(`2${namespace},${id}${JSON.stringify([event, input])}`)
  }

  /** By the first transport, and by the other one where that is in vain. */
  #open(attempt: number): void {
    const open = this.#order[attempt]
    if (!open) return
    const line = new Line(open, this.#address, {
      opened: () => {
        this.#order = [open, ...this.#order.filter(other => other !== open)]
        this.#send(`0${namespace},${JSON.stringify(this.auth)}`)
      },
      heard: message => this.#heard(message),
      ended: () => {
        if (this.#line !== line) return
        if (line.isOpen || attempt + 1 === this.#order.length) return this.#lost(line)
        this.#open(attempt + 1)
      },
    })
    this.#line = line
  }

  #send(message: string): void {
    this.#line?.send(`4${message}`)
  }

  #heard(message: string): void {
    const [, type, id, body] = /^(\d)(?:\/[^,]*,?)?(\d*)(.*)$/s.exec(message) ?? []
    const content: unknown = body ? JSON.parse(body) : undefined
    if (type === '0') {
      this.connected = true
      this.#tell('connect', undefined)
    } else if (type === '2' && Array.isArray(content)) this.#tell(String(content[0]), content[1])
    else if (type === '3' && Array.isArray(content)) {
      this.#acks.get(Number(id))?.(content[0] as never)
      this.#acks.delete(Number(id))
    } else if (type === '4') {
      this.#drop()
      this.#tell('connect_error', content)
    } else if (type === '1' && this.#line) this.#lost(this.#line)
  }

  #lost(line: Line): void {
    if (this.#line !== line) return
    const event = this.connected ? 'disconnect' : 'connect_error'
    this.#drop()
    this.#tell(event, undefined)
  }

  #drop(): void {
    const line = this.#line
    this.#line = undefined
    this.connected = false
    this.#acks.clear()
    line?.close()
  }

  #tell(event: string, payload: unknown): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(payload as never)
  }
}

interface LinePorts {
  opened(): void
  heard(message: string): void
  ended(): void
}

/** One connection by one transport, with its heartbeat: a server that was silent for too long is gone. */
class Line {
  isOpen = false
  readonly #transport: Transport
  readonly #ports: LinePorts
  #silenceMs = patienceMs
  #timer: ReturnType<typeof setTimeout> | undefined
  #over = false

  constructor(open: OpenTransport, address: string, ports: LinePorts) {
    this.#ports = ports
    this.#transport = open(address, { heard: packet => this.#heard(packet), ended: () => this.#end() })
    this.#wait()
  }

  send(packet: string): void {
    this.#transport.send(packet)
  }

  close(): void {
    this.#over = true
    clearTimeout(this.#timer)
    this.#transport.close()
  }

  #heard(packet: string): void {
    if (this.#over) return
    const content = packet.slice(1)
    if (packet[0] === '0') {
      const { pingInterval, pingTimeout } = JSON.parse(content) as {
        pingInterval: number
        pingTimeout: number
      }
      this.#silenceMs = pingInterval + pingTimeout
      this.isOpen = true
      // In its turn: the transport may just be made and not known to whoever made it.
      queueMicrotask(() => this.#over || this.#ports.opened())
    } else if (packet[0] === '1') this.#end()
    else if (packet[0] === '2') this.send('3')
    else if (packet[0] === '4') this.#ports.heard(content)
    if (!this.#over) this.#wait()
  }

  #wait(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#end(), this.#silenceMs)
  }

  #end(): void {
    if (this.#over) return
    this.close()
    this.#ports.ended()
  }
}
