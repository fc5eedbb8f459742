import { type Database, duplicateOf, hasCollided, type Transaction } from '../db/index.ts'
import { type Log as Journal, type Metrics, ParleyError, systemScope } from '../kernel/index.ts'
import type { Draft } from './draft.ts'
import type { StoredEntry } from './logStore.ts'
import { storeGroup } from './storeGroup.ts'

/** The ordered log of every conversation. What it returns is committed (L2) and will be announced as `appended`. */
export interface ConversationLog {
  append(tenantId: string, draft: Draft): Promise<StoredEntry>
}

interface LogOwnParts {
  readonly db: Database
  readonly log: Journal
  readonly metrics: Metrics
}

interface Waiting {
  readonly asked: Draft
  /** As it is stored, which is decided in the transaction. */
  draft: Draft
  readonly resolve: (stored: StoredEntry) => void
  readonly reject: (error: unknown) => void
}

interface Group {
  readonly waiting: Waiting[]
  /** Of what is waiting. */
  bytes: number
  writing: boolean
}

/** Of one transaction: more would make everybody wait for the longest, and other tenants for this node. One entry may be larger. */
const groupLimit = { entries: 200, bytes: 1024 * 1024 }
/** Of one tenant on one node; beyond, senders are told to come back, and no one's memory grows. */
const queueLimit = { entries: 10_000, bytes: 32 * 1024 * 1024 }

/** About: an entry has its text twice, in its parts and by itself, and the rest of it is small. */
const bytesOf = ({ text }: Draft): number => 2 * text.length

function takeGroup(group: Group): Waiting[] {
  let entries = 0
  let bytes = 0
  for (const { draft } of group.waiting) {
    const more = bytes + bytesOf(draft)
    if (entries === groupLimit.entries || (entries > 0 && more > groupLimit.bytes)) break
    entries++
    bytes = more
  }
  group.bytes -= bytes
  return group.waiting.splice(0, entries)
}

/**
 * Concurrent sends of one tenant are committed together (L3): while one group is written, the next one gathers. Nobody waits for a timer,
 * and under load one commit serves many.
 */
export function createConversationLog({ db, log: journal, metrics }: LogOwnParts): ConversationLog {
  const groups = new Map<string, Group>()

  function append(tenantId: string, draft: Draft): Promise<StoredEntry> {
    const group = groups.get(tenantId) ?? { waiting: [], bytes: 0, writing: false }
    groups.set(tenantId, group)
    if (group.waiting.length >= queueLimit.entries || group.bytes >= queueLimit.bytes) {
      return Promise.reject(
        new ParleyError('unavailable', 'Too much is waiting to be stored.', { retryAfter: 1 }),
      )
    }
    const { promise, resolve, reject } = Promise.withResolvers<StoredEntry>()
    group.waiting.push({ asked: draft, draft, resolve, reject })
    group.bytes += bytesOf(draft)
    if (!group.writing) void writeAll(tenantId, group)
    return promise
  }

  async function writeAll(tenantId: string, group: Group): Promise<void> {
    group.writing = true
    // What else arrives in this turn of the event loop belongs to the first group.
    await new Promise<void>(resolve => setImmediate(resolve))
    while (group.waiting.length > 0) await write(tenantId, takeGroup(group))
    group.writing = false
    groups.delete(tenantId)
  }

  /** Never rejects: every outcome goes to those who wait for it. */
  async function write(tenantId: string, group: readonly Waiting[], attempt = 1): Promise<void> {
    const outcomes = new Map<Waiting, StoredEntry | ParleyError>()
    metrics.groupSize.observe(group.length)
    const committed = metrics.commitDuration.startTimer()
    try {
      const store = async (tx: Transaction) => {
        outcomes.clear()
        for (const waiting of group) waiting.draft = waiting.asked
        const stored = await storeGroup(tx, tenantId, group, { last: true })
        for (const [waiting, outcome] of stored) outcomes.set(waiting, outcome)
      }
      await db.scoped(systemScope(tenantId, 'log'), store, { first: true })
      committed({ result: 'ok' })
    } catch (error) {
      committed({ result: 'failed' })
      // A repeat was committed on another node after this statement had looked, or others held what this waited for. The lock is theirs no more.
      const again = duplicateOf(error) === 'messages_client' || hasCollided(error)
      if (again && attempt < 3) return write(tenantId, group, attempt + 1)
      const outage = error instanceof ParleyError && error.code === 'unavailable'
      // One entry that cannot be stored must not refuse those that happened to come along.
      if (!outage && group.length > 1) {
        journal.warn(
          { err: error, size: group.length },
          'a group was refused, its entries are tried one by one',
        )
        for (const one of group) await write(tenantId, [one])
        return
      }
      for (const { reject } of group) reject(error)
      return
    }
    for (const [{ resolve, reject }, outcome] of outcomes) {
      if (outcome instanceof ParleyError) reject(outcome)
      else resolve(outcome)
    }
  }

  return { append }
}
