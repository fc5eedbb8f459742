import { networkOf, ParleyError } from '../kernel/index.ts'
import type { Audience } from '../protocol/index.ts'
import type { Session } from './command.ts'
import { TokenBuckets } from './tokenBucket.ts'

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
  /**
   * Whether this connection may send what it has just sent, of any kind: reading it costs something before anyone knows what it is. Those
   * that are commands are counted again, and answered.
   */
  packet(connection: object, address: string, length: number): boolean
  /** Whether this address may try once more to connect, or to say who it is: each attempt may ask the database. */
  attempt(address: string): boolean
  /** Forgets who has come to rest; to be called now and then. */
  sweep(): void
  /** Engine.IO's. */
  readonly connections: PerAddress
  /** Those that have not sent a whole request yet. */
  readonly silent: PerAddress
  /** Those that are kept after an answer. */
  readonly idle: PerAddress
}

export interface PerAddress {
  /** Whether one more connection from this address may be opened; `closed` gives it back. */
  opened(address: string): boolean
  closed(address: string): void
}

/** So often a connection may be refused at once, and so often per second for long, before it is taken for a flood. */
const patience = { burst: 200, perSecond: 10 }

/** Rooms that one connection may be in at once: each is a subscription of this node, and a position to compare at every heartbeat. */
export const roomsAtOnce: Readonly<Record<Audience, number>> = { visitor: 50, participant: 50, member: 500 }

/** Ten parts of 8,000 characters, escaped; larger packets end the connection. */
export const packetCap = 512 * 1024
/** Of commands as they are: the longest has half a megabyte, and few are long. */
const bytesPerCommand = 16 * 1024
/** As much as so many connections that use up what they may. Many people share an address, and few of them write at once. */
const addressShare = 8
/** An address may use up this part of what the visitors of a workspace may: others have to get their turn too. */
const strangersShare = 5

export function createLimits(settings: GatewayLimits, cutFlood: (session: Session) => void): Limits {
  const { commandsPerSecond: own, tenantCommandsPerSecond: ofAll, connectionsPerAddress } = settings
  const sessions = new TokenBuckets<Session>(own, own * 3)
  const tenants = new TokenBuckets<string>(ofAll, ofAll)
  const strangers = new TokenBuckets<string>(ofAll / strangersShare, ofAll / strangersShare)
  const refusals = new TokenBuckets<Session>(patience.perSecond, patience.burst)
  const packets = new TokenBuckets<object>(Math.max(500, 4 * own), 2 * Math.max(500, 4 * own))
  const bytes = new TokenBuckets<object>(
    own * bytesPerCommand,
    Math.max(2 * packetCap, 3 * own * bytesPerCommand),
  )
  const bytesOfAddress = own * bytesPerCommand * addressShare
  const addressBytes = new TokenBuckets<string>(bytesOfAddress, Math.max(8 * packetCap, 2 * bytesOfAddress))
  // All of an address come back at once after an outage, some of them twice.
  const attempts = new TokenBuckets<string>(
    Math.max(50, connectionsPerAddress / 10),
    Math.max(1_000, 2 * connectionsPerAddress),
  )

  /** Whoever works for a workspace shares nothing with its visitors, whom nobody has asked in. */
  const waitOf = (session: Session): number => {
    const { tenantId, origin } = session.scope
    if (session.audience === 'member') return tenants.take(`${tenantId} members`)
    const address = networkOf(origin.ipAddress ?? 'unknown')
    // Of this workspace: who visits another one from the same address takes nothing from here.
    return strangers.take(`${tenantId} ${address}`) || tenants.take(tenantId)
  }

  return {
    command(session) {
      const wait = sessions.take(session) || waitOf(session)
      if (wait === 0) return
      if (refusals.take(session) > 0) cutFlood(session)
      throw new ParleyError('rate_limited', undefined, { retryAfter: Math.ceil(wait * 10) / 10 })
    },
    packet: (connection, address, length) =>
      packets.take(connection) === 0 &&
      bytes.take(connection, length) === 0 &&
      addressBytes.take(address, length) === 0,
    attempt: address => attempts.take(address) === 0,
    sweep() {
      for (const all of [sessions, tenants, strangers, refusals, packets, bytes, addressBytes, attempts])
        all.sweep()
    },
    connections: perAddress(settings.connectionsPerAddress),
    silent: perAddress(settings.connectionsPerAddress),
    idle: perAddress(settings.connectionsPerAddress),
  }
}

function perAddress(most: number): PerAddress {
  const connections = new Map<string, number>()
  return {
    opened(address) {
      const open = connections.get(address) ?? 0
      if (open >= most) return false
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
