import { type Database, duplicateOf } from '../db/index.ts'
import {
  type Log as Journal,
  type Metrics,
  newId,
  notFound,
  ParleyError,
  systemScope,
} from '../kernel/index.ts'
import type { Entry } from '../protocol/index.ts'
import {
  blankEntries,
  insertEntries,
  type LockedConversation,
  lockConversations,
  type NewEntry,
  readKnown,
  readTargets,
  type StoredEntry,
  type TargetEntry,
} from './logStore.ts'

/** An entry on its way into the log. */
export type Draft = Omit<NewEntry, 'id' | 'public'> & {
  /** Whether visitors see it; an edit is seen by whoever sees what it edits. */
  readonly public: boolean | 'like its target'
  /** Throws what refuses this entry; sees its conversation and target under the lock, so that what it saw still holds at the commit. */
  readonly guard: (conversation: LockedConversation, target: TargetEntry | undefined) => void
}

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
  readonly draft: Draft
  readonly resolve: (stored: StoredEntry) => void
  readonly reject: (error: unknown) => void
}

interface Group {
  readonly waiting: Waiting[]
  writing: boolean
}

/** Of one transaction: more would make everybody wait for the longest. */
const groupSize = 200
/** Of one tenant on one node; beyond, senders are told to come back, and no one's memory grows. */
const queueLimit = 10_000

/**
 * Concurrent sends of one tenant are committed together (L3): while one group is written, the next one gathers. Nobody waits for a timer,
 * and under load one commit serves many.
 */
export function createConversationLog({ db, log: journal, metrics }: LogOwnParts): ConversationLog {
  const groups = new Map<string, Group>()

  function append(tenantId: string, draft: Draft): Promise<StoredEntry> {
    const group = groups.get(tenantId) ?? { waiting: [], writing: false }
    groups.set(tenantId, group)
    if (group.waiting.length >= queueLimit) {
      return Promise.reject(
        new ParleyError('unavailable', 'Too much is waiting to be stored.', { retryAfter: 1 }),
      )
    }
    const { promise, resolve, reject } = Promise.withResolvers<StoredEntry>()
    group.waiting.push({ draft, resolve, reject })
    if (!group.writing) void writeAll(tenantId, group)
    return promise
  }

  async function writeAll(tenantId: string, group: Group): Promise<void> {
    group.writing = true
    // What else arrives in this turn of the event loop belongs to the first group.
    await new Promise<void>(resolve => setImmediate(resolve))
    while (group.waiting.length > 0) await write(tenantId, group.waiting.splice(0, groupSize))
    group.writing = false
    groups.delete(tenantId)
  }

  /** Never rejects: every outcome goes to those who wait for it. */
  async function write(tenantId: string, group: readonly Waiting[], attempt = 1): Promise<void> {
    const outcomes = new Map<Waiting, StoredEntry | ParleyError>()
    metrics.groupSize.observe(group.length)
    const committed = metrics.commitDuration.startTimer()
    try {
      await db.scoped(systemScope(tenantId, 'log'), async tx => {
        outcomes.clear()
        for (const [waiting, outcome] of await store(tx, tenantId, group)) outcomes.set(waiting, outcome)
      })
      committed()
    } catch (error) {
      // A repeat was committed on another node after this statement had looked. The lock is theirs no more: look again.
      if (duplicateOf(error) === 'messages_client' && attempt < 3) return write(tenantId, group, attempt + 1)
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

type Transaction = Parameters<Parameters<Database['scoped']>[1]>[0]

/** The group inside its transaction: lock, check each, insert what passed, announce per conversation. */
async function store(
  tx: Transaction,
  tenantId: string,
  group: readonly Waiting[],
): Promise<Map<Waiting, StoredEntry | ParleyError>> {
  const outcomes = new Map<Waiting, StoredEntry | ParleyError>()
  const conversations = await lockConversations(tx, tenantId, [
    ...new Set(group.map(({ draft }) => draft.conversationId)),
  ])
  const aboutOthers = group.filter(({ draft }) => draft.parentId !== null)
  const targets = await readTargets(tx, tenantId, [
    ...new Set(aboutOthers.map(({ draft }) => draft.parentId ?? '')),
  ])
  const accepted: Waiting[] = []
  const refused: Waiting[] = []
  const first = new Map<string, Waiting>()
  const repeats: [Waiting, Waiting][] = []
  for (const waiting of group) {
    const { draft } = waiting
    // The same entry twice in one group, from a client that lost patience: the second has the first one's answer.
    const name = `${draft.conversationId} ${draft.sender.id} ${draft.clientId}`
    const original = first.get(name)
    if (original) {
      repeats.push([waiting, original])
      continue
    }
    first.set(name, waiting)
    try {
      check(draft, conversations, targets)
    } catch (error) {
      if (!(error instanceof ParleyError)) throw error
      outcomes.set(waiting, error)
      refused.push(waiting)
      continue
    }
    accepted.push(waiting)
    // What is taken back here must not be edited further on in the same group.
    const target = draft.type === 'delete' ? targets.get(draft.parentId ?? '') : undefined
    if (target) targets.set(target.id, { ...target, deleted: true })
  }
  // What is refused now may have been accepted when it was sent first; then the answer is still the first one (L2).
  if (refused.length > 0) {
    const known = await readKnown(
      tx,
      tenantId,
      refused.map(({ draft }) => draft),
    )
    for (const [at, entry] of known) outcomes.set(refused[at] as Waiting, entry)
  }
  if (accepted.length > 0) {
    const entries = accepted.map(({ draft }) => toNewEntry(draft, targets))
    const stored = await insertEntries(tx, tenantId, entries)
    for (const [at, waiting] of accepted.entries()) {
      const entry = stored[at]
      if (entry === undefined) throw new Error('an entry has no position')
      outcomes.set(waiting, entry)
    }
    const gone = entries.filter(({ type }, at) => type === 'delete' && stored[at]?.repeated === false)
    if (gone.length > 0) await blankEntries(tx, tenantId, gone)
    await announce(tx, entries, stored)
  }
  for (const [repeat, original] of repeats) {
    const entry = outcomes.get(original)
    if (entry) outcomes.set(repeat, entry)
  }
  return outcomes
}

const toNewEntry = (draft: Draft, targets: ReadonlyMap<string, TargetEntry>): NewEntry => {
  const { guard: _guard, ...entry } = draft
  const isPublic =
    draft.public === 'like its target' ? targets.get(draft.parentId ?? '')?.public === true : draft.public
  // Edited and taken back in one group: what is announced of the edit is already what the log will have.
  const withdrawn = draft.type === 'edit' && targets.get(draft.parentId ?? '')?.deleted === true
  const content = withdrawn ? { parts: [], text: '', metadata: { deleted: true } } : {}
  return { ...entry, ...content, public: isPublic, id: newId() }
}

function check(
  draft: Draft,
  conversations: ReadonlyMap<string, LockedConversation>,
  targets: ReadonlyMap<string, TargetEntry>,
): void {
  const conversation = conversations.get(draft.conversationId)
  if (!conversation) throw notFound('conversation')
  const target = draft.parentId === null ? undefined : targets.get(draft.parentId)
  if (draft.parentId !== null && target?.conversationId !== draft.conversationId) throw notFound('message')
  draft.guard(conversation, target)
}

async function announce(
  tx: Transaction,
  entries: readonly NewEntry[],
  stored: readonly StoredEntry[],
): Promise<void> {
  const grown = new Map<string, Entry[]>()
  for (const [at, entry] of entries.entries()) {
    const place = stored[at]
    if (!place || place.repeated) continue
    const list = grown.get(entry.conversationId) ?? []
    if (list.length === 0) grown.set(entry.conversationId, list)
    list.push(toEntry(entry, place))
  }
  for (const [conversationId, list] of grown)
    await tx.emit({
      type: 'appended',
      conversationId,
      entries: list.sort((one, other) => one.seq - other.seq),
    })
}

const toEntry = (entry: NewEntry, { id, seq, publicSeq, createdAt }: StoredEntry): Entry => ({
  id,
  seq,
  type: entry.type,
  role: entry.role,
  parts: entry.parts,
  text: entry.text,
  sender: entry.sender,
  clientId: entry.clientId,
  parentId: entry.parentId,
  createdAt,
  publicSeq,
})
