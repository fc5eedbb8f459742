import type { IncomingMessage } from 'node:http'
import type { Namespace, Socket } from 'socket.io'
import {
  faultsOf,
  type Log,
  newId,
  type Origin,
  ParleyError,
  plainWords,
  type Scope,
} from '../kernel/index.ts'
import {
  type Audience,
  type ErrorCode,
  handshakes,
  protocolVersion,
  type senderKinds,
} from '../protocol/index.ts'
import { failureOf } from './failure.ts'
import type { Limits } from './limits.ts'

/** Who was let in, and until when. */
export interface Admission {
  readonly scope: Scope
  readonly self: { readonly kind: (typeof senderKinds)[number]; readonly id: string }
  /** When the credential ends unless it is renewed. */
  readonly expiresAt: Date | null
}

/** What the plumbing knows of a connection before anyone has named themselves. */
export interface Knock {
  readonly origin: Origin
  readonly headers: IncomingMessage['headers']
  /** The widget key under which the Origin was found to be allowed. */
  readonly widgetKey: string | undefined
}

/** For this one it is over. */
export type Over = (scope: Scope, code: ErrorCode) => void

/** The doors of the three namespaces, handed in by main. Each throws what refuses: `unauthenticated`, `token_expired`, `forbidden`. */
export interface Doors {
  /** Whether a page of this origin may open connections for this widget. */
  allowsPage(widgetKey: string, origin: string): Promise<boolean>
  visitor(auth: { token: string }, knock: Knock): Promise<Admission>
  member(auth: { token?: string | undefined; tenant?: string | undefined }, knock: Knock): Promise<Admission>
  participant(auth: { ticket: string }, knock: Knock): Promise<Admission>
  /** The same for a credential that is presented in-band; it must be of the same person. */
  renew(audience: Audience, scope: Scope, credential: string | undefined): Promise<Date | null>
  /** Of those who are connected, tells whom this is over for, and why, as it finds out; what cannot be looked at keeps nobody else in. */
  revoked(scopes: readonly Scope[], over: Over): Promise<void>
}

declare module 'node:http' {
  interface IncomingMessage {
    parleyWidget?: string
    parleyAddress?: string
  }
}

/** How often someone tried to come in, and whether they have. */
export interface Attempts {
  /** Under which the connection is counted. */
  readonly address: string
  made: number
  entered: boolean
}

/** Each asks the database; a client whose credential was refused fetches another one, once or twice. */
const attemptsAllowed = 8

export function admitOn(
  namespace: Namespace,
  audience: Audience,
  parts: {
    readonly doors: Doors
    readonly log: Log
    /** Of one connection, for all namespaces. */
    readonly attemptsOf: (raw: object) => Attempts
    readonly limits: Limits
    readonly draining: () => boolean
    readonly welcome: (socket: Socket, audience: Audience, admission: Admission) => void
  },
): void {
  const admissions = new WeakMap<Socket, Admission>()
  namespace.use((socket, next) => {
    const attempts = parts.attemptsOf(socket.conn)
    if (++attempts.made > attemptsAllowed) {
      socket.conn.close()
      return
    }
    const { address, made } = attempts
    const refuseSecond = () => {
      if (attempts.entered)
        throw new ParleyError(
          'conflict',
          'This connection is in use. Open another one for another namespace.',
        )
    }
    // One connection is one session: several would multiply its limits, and what is known of the page was for one of them.
    const admitted = async () => {
      refuseSecond()
      // The first was counted when the connection was made.
      if (made > 1 && !parts.limits.attempt(address))
        throw new ParleyError('rate_limited', undefined, { retryAfter: 5 })
      const admission = await admit(socket, audience, parts.doors)
      refuseSecond()
      // Nobody would give it back any more.
      if (parts.draining()) throw new ParleyError('draining')
      attempts.entered = true
      return admission
    }
    admitted().then(
      admission => {
        admissions.set(socket, admission)
        next()
      },
      error => {
        const failure = failureOf(error, parts.log, { audience })
        // What Socket.IO sends to the client is the message and `data`.
        next(Object.assign(new Error(failure.message), { data: failure }))
      },
    )
  })
  namespace.on('connection', socket => {
    const admission = admissions.get(socket)
    admissions.delete(socket)
    if (!admission) throw new Error('a socket came in without having been admitted')
    parts.welcome(socket, audience, admission)
  })
}

async function admit(socket: Socket, audience: Audience, doors: Doors): Promise<Admission> {
  const { auth } = socket.handshake
  refuseOtherVersions(auth)
  const parsed = handshakes[audience].safeParse(auth, { error: plainWords })
  if (!parsed.success)
    throw new ParleyError('invalid_request', undefined, { faults: faultsOf(parsed.error, 'auth') })
  const request = socket.request as IncomingMessage
  const widgetKey = request.parleyWidget
  // A page that was let in for a widget was let in for nothing else.
  if ((audience === 'visitor') !== (widgetKey !== undefined)) {
    throw new ParleyError(
      'forbidden',
      audience === 'visitor'
        ? 'A visitor names the widget in the query of the connection.'
        : 'A connection that names a widget is a visitor.',
    )
  }
  const knock: Knock = {
    origin: {
      requestId: newId(),
      ipAddress: request.parleyAddress ?? null,
      userAgent: socket.handshake.headers['user-agent']?.slice(0, 500) ?? null,
    },
    headers: socket.handshake.headers,
    widgetKey,
  }
  return doors[audience](parsed.data as never, knock)
}

function refuseOtherVersions(auth: Record<string, unknown>): void {
  const { version } = auth
  if (typeof version !== 'number') return
  const { oldest, current } = protocolVersion
  if (version >= oldest && version <= current) return
  throw new ParleyError('unsupported_version', `This server speaks versions ${oldest} to ${current}.`)
}
