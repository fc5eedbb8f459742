import { isDeepStrictEqual } from 'node:util'
import type { ClientLog, Followed, History, Rows, StoredMessage } from './history.ts'
import type { Violation } from './violations.ts'

/** L5: what a client ends with is what the database holds for its audience, and nobody is left out. */
export function checkLogs(history: History, byConversation: ReadonlyMap<string, Rows>): Violation[] {
  const { logs } = history
  return [
    ...checkComplete(history, byConversation),
    ...logs.flatMap(log => {
      const expected = expectedOf(log, byConversation)
      const held = log.entries.map(heldAs)
      const at = Array.from({ length: Math.max(expected.length, held.length) }).findIndex(
        (_, place) => !isDeepStrictEqual(held[place], expected[place]),
      )
      return at === -1 ? [] : [diverged(log, at, held[at], expected[at])]
    }),
  ]
}

/** One log of everyone who follows a conversation or wrote to it, and one at least of each conversation. */
function checkComplete(
  { followed, sent, logs }: History,
  byConversation: ReadonlyMap<string, Rows>,
): Violation[] {
  const held = new Map<string, number>()
  for (const log of logs) held.set(nameOf(log), (held.get(nameOf(log)) ?? 0) + 1)
  const wanted = new Set([...followed, ...sent].map(nameOf))
  const known = new Set(logs.map(({ conversationId }) => conversationId))
  const wrong = (words: string): Violation => ({ kind: 'diverged', words })
  return [
    ...[...wanted].filter(name => !held.has(name)).map(name => wrong(`there is no log of ${name}`)),
    ...[...held].flatMap(([name, count]) => (count > 1 ? [wrong(`there are ${count} logs of ${name}`)] : [])),
    ...[...byConversation.keys()].filter(id => !known.has(id)).map(id => wrong(`nobody has a log of ${id}`)),
  ]
}

const nameOf = ({ client, conversationId }: Pick<Followed, 'client' | 'conversationId'>): string =>
  `${client} in ${conversationId}`

/** L5: what a client held at any moment is a part of the log without a hole. What was taken back since, it may have had until then. */
export function checkEarlierLogs(
  { earlierLogs }: History,
  byConversation: ReadonlyMap<string, Rows>,
): Violation[] {
  return earlierLogs.flatMap(log => {
    const [first] = log.entries
    if (!first) return []
    const expected = expectedOf(log, byConversation).slice(first.seq - 1)
    const held = log.entries.map(heldAs)
    const at = held.findIndex((entry, place) => !isDeepStrictEqual(asIfHeld(entry, expected[place]), entry))
    return at === -1 ? [] : [diverged(log, at, held[at], expected[at])]
  })
}

const asIfHeld = (held: Comparable, expected: Comparable | undefined): Comparable | undefined =>
  expected?.deleted ? { ...expected, text: held.text, parts: held.parts, deleted: held.deleted } : expected

const diverged = (log: ClientLog, at: number, held: unknown, expected: unknown): Violation => ({
  kind: 'diverged',
  words: `${nameOf(log)}, place ${at + 1}: has ${JSON.stringify(held)}, should have ${JSON.stringify(expected)}`,
})

/** All that an audience is given of an entry. */
type Comparable = ReturnType<typeof heldAs>

const heldAs = (entry: ClientLog['entries'][number]) => ({
  ...{ seq: entry.seq, id: entry.id, clientId: entry.clientId, parentId: entry.parentId },
  ...{ type: entry.type as string, role: entry.role as string, createdAt: entry.createdAt },
  ...{ text: entry.text, parts: entry.parts as readonly unknown[], deleted: entry.deleted === true },
  ...{ senderKind: entry.sender.kind as string, senderId: entry.sender.id, publicSeq: entry.publicSeq },
})

const expectedOf = (
  { audience, conversationId }: Followed,
  byConversation: ReadonlyMap<string, Rows>,
): Comparable[] =>
  (byConversation.get(conversationId) ?? []).flatMap(row => {
    if (audience === 'member') return [storedAs(row, row.seq, row.publicSeq)]
    return row.publicSeq === null ? [] : [storedAs(row, row.publicSeq, undefined)]
  })

/** `publicSeq` is for members alone: to visitors it is their only way of counting. */
const storedAs = (row: StoredMessage, seq: number, publicSeq: number | null | undefined): Comparable => ({
  ...{ seq, id: row.id, clientId: row.clientId, parentId: row.parentId },
  ...{ type: row.type, role: row.role, createdAt: row.createdAt },
  ...{ text: row.text, parts: row.parts, deleted: row.deleted },
  ...{ senderKind: row.senderKind, senderId: row.senderId, publicSeq },
})
