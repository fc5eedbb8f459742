import { describe, expect, test } from 'vitest'
import { check } from '../../loadtest/simulation/checker.ts'
import type { ClientLog, History, StoredMessage } from '../../loadtest/simulation/history.ts'
import { seededRandom } from '../../loadtest/simulation/random.ts'
import { drawSchedule } from '../../loadtest/simulation/schedule.ts'
import type { Entry } from '../../src/protocol/index.ts'

const conversationId = 'c'
const at = (second: number) => new Date(second * 1_000).toISOString()

const row = (seq: number, publicSeq: number | null, more: Partial<StoredMessage> = {}): StoredMessage => ({
  ...{ id: `id-${seq}`, conversationId, seq, publicSeq, type: publicSeq === null ? 'note' : 'text' },
  ...{ text: `text ${seq}`, parts: [{ type: 'text', text: `text ${seq}` }], role: 'user' },
  ...{ senderKind: 'member', senderId: 's', clientId: `m${seq}`, parentId: null },
  ...{ createdAt: at(seq), deleted: false },
  ...more,
})

/** As members have it, unless it is said where visitors do. */
const entry = (stored: StoredMessage, publicSeq?: number): Entry => {
  const { id, type, text, parts, senderKind, senderId, clientId, parentId, createdAt } = stored
  return {
    ...{
      id,
      seq: publicSeq ?? stored.seq,
      type: type as 'text',
      role: 'user',
      text,
      clientId,
      parentId,
      createdAt,
    },
    ...{ parts: parts as Entry['parts'], sender: { kind: senderKind as 'member', id: senderId } },
    ...(publicSeq === undefined ? { publicSeq: stored.publicSeq } : {}),
  }
}

const member = { client: 'one', audience: 'member', conversationId } as const
const visitor = { client: 'two', audience: 'visitor', conversationId } as const

/** Three entries, the second of them a note, sent by one client, held by a member and a visitor. */
function good(): History {
  const stored = [row(1, 1), row(2, null), row(3, 2)]
  const [first, , third] = stored as [StoredMessage, StoredMessage, StoredMessage]
  const names = stored.map(({ clientId }) => ({ conversationId, senderId: 's', clientId }))
  return {
    sent: names.map(name => ({ ...name, client: 'one', deed: 'say' })),
    acked: stored.map(({ id, seq }, place) => ({
      ...(names[place] as (typeof names)[0]),
      id,
      seq,
      audience: 'member',
    })),
    refused: [],
    unsettled: undefined,
    seen: stored.map(({ id }) => ({ client: 'one', conversationId, id })),
    followed: [member, visitor],
    logs: [
      { ...member, entries: stored.map(each => entry(each)) },
      { ...visitor, entries: [entry(first, 1), entry(third, 2)] },
    ],
    // Before it was loaded anew, the visitor's client had come as far as the first entry.
    earlierLogs: [{ ...visitor, entries: [entry(first, 1)] }],
    stored,
    conversations: [{ id: conversationId, seq: 3, publicSeq: 2 }],
    visitorsSaw: [
      {
        client: 'two',
        words: new Set(['id-1', 'text 1', 'id-3', at(3)]),
        positions: told([1, 1_500], [2, 3_000]),
      },
    ],
  }
}

/** Positions, and the millisecond in which each was heard of. */
const told = (...positions: [number, number][]) => new Map([[conversationId, new Map(positions)]])

/** What is not among the three. */
const another = { conversationId, senderId: 's', clientId: 'm4' }

const kinds = (history: History) => [...new Set(check(history).map(({ kind }) => kind))]
const without = <Item>(list: readonly Item[], place: number) => list.filter((_, each) => each !== place)

describe('the checker of the simulation', () => {
  test('finds nothing where nothing is wrong', () => {
    expect(check(good())).toEqual([])
  })

  const nothing = { text: '', parts: [] }
  const withFirst = (log: ClientLog, more: Partial<Entry>): ClientLog => ({
    ...log,
    entries: log.entries.map((each, place) => (place === 0 ? { ...each, ...more } : each)),
  })
  const differs =
    (more: Partial<Entry>) =>
    ({ logs }: History) => ({ logs: logs.map(log => withFirst(log, more)) })
  const saw = (words: string[], ...positions: [number, number][]) => ({
    visitorsSaw: [{ client: 'two', words: new Set(words), positions: told(...positions) }],
  })
  const broken: [string, string, (history: History) => Partial<History>][] = [
    [
      'lost',
      'an acknowledged entry is not stored',
      ({ acked }) => ({
        acked: [
          ...acked,
          { conversationId, senderId: 's', clientId: 'm4', id: 'id-4', seq: 4, audience: 'member' },
        ],
      }),
    ],
    [
      'unfounded',
      'a client was told of an entry that is not stored',
      ({ seen }) => ({ seen: [...seen, { client: 'two', conversationId, id: 'id-4' }] }),
    ],
    [
      'forgotten',
      'a sent entry is neither stored nor refused',
      ({ sent }) => ({
        sent: [...sent, { ...another, client: 'one', deed: 'say' }],
      }),
    ],
    [
      'duplicated',
      'one name is stored twice',
      ({ stored }) => ({
        stored: [...stored, row(4, 3, { clientId: 'm3' })],
      }),
    ],
    [
      'hole',
      'a position is left out',
      ({ stored }) => ({ stored: [...without(stored, 2), row(4, 2, { clientId: 'm3' })] }),
    ],
    [
      'hole',
      'a position of visitors is left out',
      ({ stored }) => ({
        stored: [...without(stored, 2), row(3, 3)],
        conversations: [{ id: conversationId, seq: 3, publicSeq: 3 }],
      }),
    ],
    [
      'hole',
      'the head is not where the log ends',
      () => ({
        conversations: [{ id: conversationId, seq: 4, publicSeq: 2 }],
      }),
    ],
    [
      'wrong_ack',
      'a repeat was answered with another place',
      ({ acked }) => ({
        acked: [
          ...acked,
          { conversationId, senderId: 's', clientId: 'm1', id: 'id-1', seq: 2, audience: 'member' },
        ],
      }),
    ],
    ['reordered', 'what was written first stands behind', ({ sent }) => ({ sent: sent.toReversed() })],
    [
      'diverged',
      'a client misses the last entry',
      ({ logs }) => ({
        logs: logs.map(log => ({ ...log, entries: log.entries.slice(0, -1) })),
      }),
    ],
    [
      'diverged',
      'a client holds what is not stored',
      ({ logs }) => ({
        logs: logs.map(log => ({ ...log, entries: [...log.entries, entry(row(9, 9))] })),
      }),
    ],
    [
      'diverged',
      'a client shows what was taken back',
      ({ stored }) => ({
        stored: [{ ...(stored[0] as StoredMessage), ...nothing, deleted: true }, ...stored.slice(1)],
      }),
    ],
    [
      'diverged',
      'of what was taken back the parts are left',
      ({ stored, logs }) => ({
        stored: [{ ...(stored[0] as StoredMessage), ...nothing, deleted: true }, ...stored.slice(1)],
        logs: logs.map(log => withFirst(log, { text: '', deleted: true })),
      }),
    ],
    ['diverged', 'the parts are others', differs({ parts: [{ type: 'text', text: 'something else' }] })],
    ['diverged', 'the role is another', differs({ role: 'assistant' })],
    ['diverged', 'the time is another', differs({ createdAt: at(9) })],
    ['diverged', 'the kind of the sender is another', differs({ sender: { kind: 'contact', id: 's' } })],
    [
      'diverged',
      'members are told wrongly what visitors see',
      ({ logs }) => ({
        logs: logs.map(log => (log.audience === 'member' ? withFirst(log, { publicSeq: null }) : log)),
      }),
    ],
    ['diverged', 'a client that follows a conversation has no log', ({ logs }) => ({ logs: logs.slice(1) })],
    ['diverged', 'a client has two logs of a conversation', ({ logs }) => ({ logs: [...logs, ...logs] })],
    ['diverged', 'there are no logs at all', () => ({ sent: [], followed: [], logs: [], earlierLogs: [] })],
    [
      'diverged',
      'a client held something else before it was loaded anew',
      ({ earlierLogs }) => ({ earlierLogs: earlierLogs.map(log => withFirst(log, { text: 'else' })) }),
    ],
    [
      'diverged',
      'a client had a hole before it was loaded anew',
      ({ logs }) => ({
        earlierLogs: [{ ...member, entries: without(logs[0]?.entries ?? [], 1) }],
      }),
    ],
    [
      'refused',
      'something new is refused, and so are all that follow',
      ({ sent, acked }) => ({
        acked: acked.slice(0, 1),
        refused: sent.slice(1).map(name => ({ ...name, code: 'forbidden' })),
      }),
    ],
    ['leaked_note', 'a visitor has the id of a note', () => saw(['id-2'])],
    ['leaked_note', 'a visitor has the text of a note', () => saw(['text 2'])],
    ['leaked_note', 'a visitor has the time of a note', () => saw([at(2)])],
    ['leaked_note', 'a visitor was told of a position that only members have', () => saw([], [3, 9_000])],
    [
      'leaked_note',
      'a visitor was told of a position that visitors have only later',
      () => saw([], [2, 2_500]),
    ],
  ]
  test.each(broken)('%s: %s', (kind, _words, change) => {
    const history = good()
    expect(kinds({ ...history, ...change(history) })).toContain(kind)
  })

  describe('of a run that has not settled', () => {
    const unsettled = 'somebody is behind'

    test('what waits to be sent is not lost, and who is behind has not diverged', () => {
      const history = good()
      const sent = [...history.sent, { ...another, client: 'one', deed: 'say' as const }]
      const logs = history.logs.map(log => ({ ...log, entries: log.entries.slice(0, 1) }))
      expect(check({ ...history, unsettled, sent, logs })).toEqual([])
      // The same is found where everybody had the time to do what was left to do.
      expect(kinds({ ...history, sent, logs })).toEqual(['forgotten', 'diverged'])
    })

    test('what is wrong at any moment is found as well', () => {
      const history = good()
      const acked = [...history.acked, { ...another, id: 'id-4', seq: 4, audience: 'member' as const }]
      expect(kinds({ ...history, unsettled, acked })).toEqual(['lost'])
      const seen = [{ client: 'two', conversationId, id: 'id-4' }]
      expect(kinds({ ...history, unsettled, seen })).toEqual(['unfounded'])
    })
  })

  test('a change that was refused for good need not be there', () => {
    const history = good()
    const change = { ...another, client: 'one', deed: 'change' as const }
    const refused = [{ ...another, code: 'conflict' }]
    expect(check({ ...history, sent: [...history.sent, change], refused })).toEqual([])
  })

  test('what was taken back later, a client may have held before', () => {
    const history = good()
    const [first, ...others] = history.stored as [StoredMessage, ...StoredMessage[]]
    const stored = [{ ...first, ...nothing, deleted: true }, ...others]
    const logs = history.logs.map(log => withFirst(log, { ...nothing, deleted: true }))
    expect(check({ ...history, stored, logs })).toEqual([])
  })
})

test('a seed draws the same schedule again, and another one another', () => {
  const plan = { durationMs: 5_000, clients: 4, conversations: 2, nodes: 2, messagesPerSecond: 20 }
  const draw = (seed: number) =>
    drawSchedule({ ...plan, faultEveryMs: { cut: 500, kill: 2_000 } }, seededRandom(seed))
  expect(draw(7)).toEqual(draw(7))
  expect(draw(8)).not.toEqual(draw(7))
  expect(new Set(draw(7).map(({ kind }) => kind)).size).toBeGreaterThan(4)
})
