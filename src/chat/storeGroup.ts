import type { Transaction } from '../db/index.ts'
import { newId, notFound, ParleyError } from '../kernel/index.ts'
import type { Entry } from '../protocol/index.ts'
import { keepActive } from '../tenancy/index.ts'
import { speakerIn } from './access.ts'
import type { Draft } from './draft.ts'
import { queueRemoval } from './files/removeObjects.ts'
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
import { afterwards, changesChecks, writeMoves } from './movement.ts'
import { closedFiles, filesOf } from './openFilesStore.ts'
import { takesBack, tellTakenBack } from './takenBack.ts'
import { callingPeople, mayCallPeople } from './unattended.ts'

/**
 * A group inside its transaction: lock, check each, insert what passed, announce per conversation. With `last` the transaction may end with it.
 *
 * Members are held before conversations, by everybody: who removes one has the member first and then what the member had.
 */
export async function storeGroup<Waiting extends { draft: Draft }>(
  tx: Transaction,
  tenantId: string,
  group: readonly Waiting[],
  { last }: { readonly last: boolean },
): Promise<Map<Waiting, StoredEntry | ParleyError>> {
  const active = await keepActive(tx, tenantId, assigneesOf(group))
  const locked = await lockConversations(tx, tenantId, [
    ...new Set(group.map(({ draft }) => draft.conversationId)),
  ])
  for (const waiting of group) waiting.draft = asSpoken(waiting.draft, locked)
  const aboutOthers = group.filter(({ draft }) => draft.parentId !== null)
  const targets = await readTargets(tx, tenantId, [
    ...new Set(aboutOthers.map(({ draft }) => draft.parentId ?? '')),
  ])
  const closed = await readWithClosedFiles(tx, tenantId, group)
  // What changed something when it was sent first does not change it again, neither for good nor for what it is checked together with.
  const outcomes: Outcomes<Waiting> = await readEarlier(tx, tenantId, withEffect(group, locked))
  const sorted = sortOut(group, {
    ...{ tenantId, conversations: new Map(locked), targets, closed, active, outcomes },
  })
  // What is refused now may have been accepted when it was sent first; then the answer is still the first one (L2).
  for (const [waiting, entry] of await readEarlier(tx, tenantId, sorted.refused)) outcomes.set(waiting, entry)
  const { accepted } = sorted
  if (accepted.length > 0) {
    const drafts = accepted.map(({ draft }) => draft)
    await writeMoves(tx, tenantId, locked, drafts)
    const entries = drafts.map(draft => toNewEntry(draft, sorted.targets))
    const ends = last && !entries.some(entry => entry.type === 'delete' || takesBack(entry))
    const stored = await insertEntries(tx, tenantId, entries, { last: ends })
    for (const [at, waiting] of accepted.entries()) {
      const entry = stored[at]
      if (entry === undefined) throw new Error('an entry has no position')
      outcomes.set(waiting, entry)
    }
    const added = entries.filter((_, at) => stored[at]?.repeated === false)
    const gone = added.filter(({ type }) => type === 'delete')
    if (gone.length > 0) await queueRemoval(tx, tenantId, await blankEntries(tx, tenantId, gone))
    await tellTakenBack(tx, tenantId, added.filter(takesBack))
    await announce(tx, entries, stored, sorted.conversations)
  }
  for (const [repeat, original] of sorted.repeats) {
    const entry = outcomes.get(original)
    if (entry) outcomes.set(repeat, entry)
  }
  return outcomes
}

const assigneesOf = (group: readonly { readonly draft: Draft }[]): string[] =>
  group.flatMap(({ draft }) => draft.ownership?.assignedMemberId ?? [])

type Outcomes<Waiting> = Map<Waiting, StoredEntry | ParleyError>

/** Those of them that were stored before, with what was stored then. */
async function readEarlier<Waiting extends { draft: Draft }>(
  tx: Transaction,
  tenantId: string,
  waiting: readonly Waiting[],
): Promise<Outcomes<Waiting>> {
  if (waiting.length === 0) return new Map()
  const known = await readKnown(
    tx,
    tenantId,
    waiting.map(({ draft }) => draft),
  )
  return new Map([...known].map(([at, entry]) => [waiting[at] as Waiting, entry]))
}

/** Those that decide more than their own place: who answers, or what others of this group are refused by. */
function withEffect<Waiting extends { draft: Draft }>(
  group: readonly Waiting[],
  locked: ReadonlyMap<string, LockedConversation>,
): Waiting[] {
  const together = Map.groupBy(group, ({ draft }) => draft.conversationId)
  return group.filter(({ draft }) => {
    const others = together.get(draft.conversationId) ?? []
    const conversation = locked.get(draft.conversationId)
    const moves = others.some(other => other.draft.ownership)
    if (draft.ownership || mayCallPeople(draft, conversation, moves)) return true
    if (others.length < 2 || !conversation) return false
    return draft.type === 'delete' || changesChecks(conversation, draft, { moves })
  })
}

/** What the checks see: conversations and targets as the entries before in the same group leave them. */
interface Seen<Waiting> {
  readonly tenantId: string
  readonly conversations: Map<string, LockedConversation>
  readonly targets: Map<string, TargetEntry>
  readonly closed: ReadonlySet<Waiting>
  /** Members who may be given a conversation. */
  readonly active: ReadonlySet<string>
  readonly outcomes: Outcomes<Waiting>
}

/** Asks each in its turn whether it may be stored. Those that may not have their outcome. */
function sortOut<Waiting extends { draft: Draft }>(
  group: readonly Waiting[],
  { tenantId, conversations, targets, closed, active, outcomes }: Seen<Waiting>,
) {
  const accepted: Waiting[] = []
  const refused: Waiting[] = []
  const repeats: [Waiting, Waiting][] = []
  const first = new Map<string, Waiting>()
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
    if (outcomes.has(waiting)) continue
    try {
      const conversation = check(draft, conversations, targets)
      if (closed.has(waiting)) throw new ParleyError('not_found', 'No such file in this conversation.')
      if (assigneesOf([waiting]).some(id => !active.has(id)))
        throw new ParleyError('conflict', 'Whoever is to have it is no active member.')
      waiting.draft = callingPeople(tenantId, draft, conversation)
      conversations.set(conversation.id, afterwards(conversation, waiting.draft))
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
  return { accepted, refused, repeats, targets, conversations }
}

/** Whom an entry is of is known under the lock alone: until then the conversation may have been given to another contact. */
function asSpoken(draft: Draft, conversations: ReadonlyMap<string, LockedConversation>): Draft {
  const conversation = conversations.get(draft.conversationId)
  return conversation ? { ...draft, sender: speakerIn(conversation, draft.sender) } : draft
}

/** Those that name a file which is not there for their sender. Under the lock, so that none goes with a message that is taken back meanwhile. */
async function readWithClosedFiles<Waiting extends { draft: Draft }>(
  tx: Transaction,
  tenantId: string,
  group: readonly Waiting[],
): Promise<ReadonlySet<Waiting>> {
  const wanted = group.flatMap(waiting => {
    const { conversationId, sender: reader, parts } = waiting.draft
    return filesOf(parts).map(fileId => ({ fileId, conversationId, reader, waiting }))
  })
  const closed = await closedFiles(tx, tenantId, wanted)
  return new Set(wanted.filter((_, place) => closed.has(place)).map(({ waiting }) => waiting))
}

const toNewEntry = (draft: Draft, targets: ReadonlyMap<string, TargetEntry>): NewEntry => {
  const { guard: _guard, ownership, ...entry } = draft
  const isPublic =
    draft.public === 'like its target' ? targets.get(draft.parentId ?? '')?.public === true : draft.public
  // Edited and taken back in one group: what is announced of the edit is already what the log will have.
  const withdrawn = draft.type === 'edit' && targets.get(draft.parentId ?? '')?.deleted === true
  const content = withdrawn ? { parts: [], text: '', metadata: { deleted: true } } : {}
  const resolves = ownership?.status === 'resolved'
  return { ...entry, ...content, resolves, public: isPublic, id: newId() }
}

function check(
  draft: Draft,
  conversations: ReadonlyMap<string, LockedConversation>,
  targets: ReadonlyMap<string, TargetEntry>,
): LockedConversation {
  const conversation = conversations.get(draft.conversationId)
  if (!conversation) throw notFound('conversation')
  const target = draft.parentId === null ? undefined : targets.get(draft.parentId)
  if (draft.parentId !== null && target?.conversationId !== draft.conversationId) throw notFound('message')
  draft.guard(conversation, target)
  return conversation
}

async function announce(
  tx: Transaction,
  entries: readonly NewEntry[],
  stored: readonly StoredEntry[],
  conversations: ReadonlyMap<string, LockedConversation>,
): Promise<void> {
  const grown = new Map<string, Entry[]>()
  for (const [at, entry] of entries.entries()) {
    const place = stored[at]
    if (!place || place.repeated) continue
    const list = grown.get(entry.conversationId) ?? []
    if (list.length === 0) grown.set(entry.conversationId, list)
    list.push(toEntry(entry, place))
  }
  for (const [conversationId, list] of grown) {
    const conversation = conversations.get(conversationId)
    await tx.emit({
      type: 'appended',
      conversationId,
      entries: list.sort((one, other) => one.seq - other.seq),
      agentId: conversation?.owner === 'ai' ? conversation.agentId : null,
    })
  }
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
