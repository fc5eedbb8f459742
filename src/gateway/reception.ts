import type { Socket } from 'socket.io'
import type { Metrics } from '../kernel/index.ts'
import { type Audience, type ErrorCode, errorTable, protocolVersion } from '../protocol/index.ts'
import type { DeliveryHooks } from './adapter.ts'
import { backlogOf } from './backlog.ts'
import type { Bus } from './bus.ts'
import { ackPacket, deliver, frame } from './frames.ts'
import type { Guard } from './guard.ts'
import type { Admission } from './handshake.ts'
import type { Pipeline } from './pipeline.ts'
import { SocketSession } from './session.ts'
import { type Receiver, receiveFrom } from './strictParser.ts'

export type SessionListener = (session: SocketSession) => void

/** Everyone who is connected to this node. */
export interface Reception {
  readonly sessions: Set<SocketSession>
  readonly entered: SessionListener[]
  readonly left: SessionListener[]
  /** From now on commands are carried out. */
  serve(pipeline: Pipeline): void
  welcome(socket: Socket, audience: Audience, admission: Admission): void
}

interface ReceptionParts {
  readonly bus: Bus | undefined
  readonly guard: Guard
  readonly hooks: DeliveryHooks
  readonly metrics: Metrics
}

export function createReception({ bus, guard, hooks, metrics }: ReceptionParts): Reception {
  const sessions = new Set<SocketSession>()
  const entered: SessionListener[] = []
  const left: SessionListener[] = []
  let pipeline: Pipeline | undefined

  // One function of each kind for all sockets: what idle connections hold is what every one of them has of its own.
  const receive: Receiver = (socket, name, args, id) => {
    const session = sessionOf(socket)
    if (!session) return
    // Answers wait for the connection as events do: who reads none of them is not given more (L9).
    if (backlogOf(socket.conn, hooks.cap) > hooks.cap) return hooks.tooSlow(socket)
    session.running++
    const acknowledge =
      id === undefined ? undefined : (answer: unknown) => answerTo(socket, id, answer, hooks)
    void pipeline?.(session, name, args.length === 0 ? {} : args[0], acknowledge).finally(
      () => session.running--,
    )
  }

  function leave(this: Socket): void {
    receiveFrom(this, undefined)
    // One connection is one session: without it nothing is left to do here.
    this.conn.close()
    const session = sessionOf(this)
    if (!session) return
    this.data = undefined
    sessions.delete(session)
    metrics.connections.dec({ audience: session.audience })
    for (const listener of left) listener(session)
  }

  function welcome(socket: Socket, audience: Audience, admission: Admission): void {
    const session = new SocketSession(socket, audience, admission, bus)
    const { self, expiresAt } = admission
    socket.data = session
    sessions.add(session)
    guard.admitted(socket)
    metrics.connections.inc({ audience })
    receiveFrom(socket, receive)
    socket.on('disconnect', leave)
    session.emit('welcome', {
      version: protocolVersion.current,
      self,
      expiresAt: expiresAt?.toISOString() ?? null,
    })
    for (const listener of entered) listener(session)
  }

  return {
    sessions,
    entered,
    left,
    serve: commands => {
      pipeline = commands
    },
    welcome,
  }
}

/** The session of a socket that has come in. */
export const sessionOf = (socket: Socket | undefined): SocketSession | undefined =>
  socket?.data instanceof SocketSession ? socket.data : undefined

/** Ends a connection with a word why. Not `disconnect()`: that tells clients to stay away. */
export function close(session: SocketSession, code: ErrorCode, retryAfter?: number): void {
  const { retryable } = errorTable[code]
  session.emit('closing', { code, retryable, ...(retryAfter === undefined ? {} : { retryAfter }) })
  session.socket.conn.close()
}

function answerTo(socket: Socket, id: string, answer: unknown, hooks: DeliveryHooks): void {
  const packet = frame(ackPacket(socket.nsp.name, id, answer), false)
  if (deliver(socket, packet, hooks.cap, true) === 'too slow') hooks.tooSlow(socket)
}
