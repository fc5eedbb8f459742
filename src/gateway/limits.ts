import { ParleyError } from '../kernel/index.ts'
import type { Session } from './command.ts'
import { TokenBucket } from './tokenBucket.ts'

export interface GatewayLimits {
  /** Commands per second of one connection; three times as many at once. */
  readonly commandsPerSecond: number
  /** Commands per second of one tenant on one node. */
  readonly tenantCommandsPerSecond: number
  /** Open connections of one address on one node. */
  readonly connectionsPerAddress: number
}

export interface Limits {
  /** Throws `rate_limited`. */
  command(session: Session): void
  /** Whether one more connection from this address may be opened; `closed` gives it back. */
  opened(address: string): boolean
  closed(address: string): void
}

/** How often a connection may be refused before it is taken for a flood. */
export const floodAfter = 200
/** What passes makes up for so many refusals: also in a flood something passes now and then. */
const madeUpFor = 5

export function createLimits(settings: GatewayLimits, cutFlood: (session: Session) => void): Limits {
  const ofSession = new WeakMap<Session, { bucket: TokenBucket; refused: number }>()
  const ofTenant = new Map<string, TokenBucket>()
  const connections = new Map<string, number>()

  function tenantBucket(tenantId: string): TokenBucket {
    const known = ofTenant.get(tenantId)
    if (known) return known
    // A full bucket remembers nothing, so forgetting it changes nothing.
    if (ofTenant.size > 10_000) for (const [id, bucket] of ofTenant) if (bucket.full) ofTenant.delete(id)
    const { tenantCommandsPerSecond: rate } = settings
    const made = new TokenBucket(rate, rate)
    ofTenant.set(tenantId, made)
    return made
  }

  return {
    command(session) {
      const { commandsPerSecond: rate } = settings
      const own = ofSession.get(session) ?? { bucket: new TokenBucket(rate, rate * 3), refused: 0 }
      ofSession.set(session, own)
      const wait = own.bucket.take() || tenantBucket(session.scope.tenantId).take()
      if (wait === 0) {
        own.refused = Math.max(0, own.refused - madeUpFor)
        return
      }
      if (++own.refused >= floodAfter) cutFlood(session)
      throw new ParleyError('rate_limited', undefined, { retryAfter: Math.ceil(wait * 10) / 10 })
    },
    opened(address) {
      const open = connections.get(address) ?? 0
      if (open >= settings.connectionsPerAddress) return false
      connections.set(address, open + 1)
      return true
    },
    closed(address) {
      const open = connections.get(address) ?? 0
      if (open <= 1) connections.delete(address)
      else connections.set(address, open - 1)
    },
  }
}
