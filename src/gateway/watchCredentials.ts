import type { Log } from '../kernel/index.ts'
import type { ErrorCode } from '../protocol/index.ts'
import type { Doors } from './handshake.ts'
import type { SocketSession } from './session.ts'

export interface WatchParts {
  readonly sessions: () => Iterable<SocketSession>
  readonly doors: Doors
  readonly log: Log
  readonly close: (session: SocketSession, code: ErrorCode) => void
}

/** Told so long before the end of its credential, a client has time to renew it in-band. */
const warningMs = 60_000
const recheckMs = 5_000

/** Credentials end while connections live (S4): tokens by their time, and all of them when whoever they let in is not welcome any more. */
export function watchCredentials({ sessions, doors, log, close }: WatchParts): {
  recheck: () => void
  stop: () => void
} {
  const expiry = setInterval(() => {
    const now = Date.now()
    for (const session of sessions()) {
      const left = session.expiresAt - now
      if (left <= 0) close(session, 'token_expired')
      else if (left <= warningMs && !session.toldOfExpiry) {
        session.toldOfExpiry = true
        session.emit('session.expiring', { expiresAt: new Date(session.expiresAt).toISOString() })
      }
    }
  }, 1_000)

  let looking = false
  let again = false
  async function recheck(): Promise<void> {
    // A look that is under way may have begun before what it is asked for now.
    again ||= looking
    const connected = [...sessions()]
    if (looking || connected.length === 0) return
    looking = true
    try {
      const of = new Map(connected.map(session => [session.scope, session]))
      await doors.revoked([...of.keys()], (scope, code) => {
        const session = of.get(scope)
        if (session) close(session, code)
      })
    } catch (error) {
      // The database is away: nobody is cut off for that, and the next look follows soon.
      log.debug({ err: error }, 'credentials could not be checked')
    } finally {
      looking = false
    }
    if (again) {
      again = false
      await recheck()
    }
  }
  const rounds = setInterval(() => void recheck(), recheckMs)
  for (const timer of [expiry, rounds]) timer.unref()
  return {
    recheck: () => void recheck(),
    stop: () => {
      clearInterval(expiry)
      clearInterval(rounds)
    },
  }
}
