import type { Socket } from 'socket.io'
import { inOnePiece, ParleyError, type Scope } from '../kernel/index.ts'
import type { Audience, EventName, Events } from '../protocol/index.ts'
import type { Bus } from './bus.ts'
import { roomChannel } from './bus.ts'
import type { Session } from './command.ts'
import type { Admission } from './handshake.ts'
import { roomsAtOnce } from './limits.ts'

/** One connection to a namespace: the socket, who is behind it, and what is still being done for it. */
export class SocketSession implements Session {
  readonly socket: Socket
  readonly audience: Audience
  readonly scope: Scope
  /** When the credential ends, in milliseconds; a `Date` for each would be five times as large. */
  expiresAt: number
  toldOfExpiry = false
  /** Commands that are not acknowledged yet; a draining node waits for them (L10). */
  running = 0
  readonly #bus: Bus | undefined

  constructor(socket: Socket, audience: Audience, admission: Admission, bus: Bus | undefined) {
    this.socket = socket
    this.audience = audience
    this.scope = admission.scope
    this.expiresAt = timeOf(admission.expiresAt)
    this.#bus = bus
  }

  get id(): string {
    return this.socket.id
  }

  async join(room: string): Promise<void> {
    if (this.socket.rooms.has(room)) return
    if (this.socket.rooms.size >= roomsAtOnce[this.audience])
      throw new ParleyError('conflict', 'Too much is open on this connection. Leave a conversation first.')
    await this.socket.join(inOnePiece(room))
    // Whoever left meanwhile is in no room, and nobody would end the subscription again.
    if (!this.socket.rooms.has(room)) return
    // Joining does not wait for the subscription. What other nodes publish in between would be missed, by someone who then reads
    // the log and believes to be complete.
    await this.#bus?.subscribed(roomChannel(this.socket.nsp.name, room))
  }

  leave(room: string): void {
    void this.socket.leave(room)
  }

  isIn(room: string): boolean {
    return this.socket.rooms.has(room)
  }

  renewed(expiresAt: Date | null): void {
    this.expiresAt = timeOf(expiresAt)
    this.toldOfExpiry = false
  }

  emit<Name extends EventName>(event: Name, payload: Events[Name]): void {
    this.socket.emit(event, payload)
  }
}

const timeOf = (expiresAt: Date | null): number => expiresAt?.getTime() ?? Number.POSITIVE_INFINITY
