import { describe, expect, test } from 'vitest'
import { check } from '../../loadtest/simulation/checker.ts'
import type { History, StoredMessage } from '../../loadtest/simulation/history.ts'
import { seededRandom } from '../../loadtest/simulation/random.ts'
import { drawSchedule } from '../../loadtest/simulation/schedule.ts'

const conversationId = 'c'
const at = (second: number) => new Date(second * 1_000).toISOString()

const row = (seq: number, publicSeq: number | null, more: Partial<StoredMessage> = {}): StoredMessage => ({
  ...{ id: `id-${seq}`, conversationId, seq, publicSeq, type: publicSeq === null ? 'note' : 'text' },
  ...{ text: `text ${seq}`, senderId: 's', clientId: `m${seq}`, parentId: null },
  ...{ createdAt: at(seq), deleted: false },
  ...more,
})

const entry = ({ id, type, text, senderId, clientId, parentId, createdAt }: StoredMessage, seq: number) => ({
  ...{ id, seq, type: type as 'text', text, clientId, parentId, createdAt },
  ...{ role: 'user' as const, parts: [], sender: { kind: 'member' as const, id: senderId } },
})

/** Three entries, the second of them a note, sent by one client, held by a member and a visitor. */
function good(): History {
  const stored = [row(1, 1), row(2, null), row(3, 2)]
  const [first, , third] = stored as [StoredMessage, StoredMessage, StoredMessage]
  const names = stored.map(({ clientId }) => ({ conversationId, senderId: 's', clientId }))
  return {
    sent: names.map(name => ({ ...name, client: 'one' })),
    acked: stored.map(({ id, seq }, place) => ({
      ...(names[place] as (typeof names)[0]),
      id,
      seq,
      audience: 'member',
    })),
    refused: [],
    logs: [
      {
        client: 'one',
        audience: 'member',
        conversationId,
        entries: stored.map(each => entry(each, each.seq)),
      },
      { client: 'two', audience: 'visitor', conversationId, entries: [entry(first, 1), entry(third, 2)] },
    ],
    stored,
    conversations: [{ id: conversationId, seq: 3, publicSeq: 2 }],
    visitorsSaw: [
      {
        client: 'two',
        words: new Set(['id-1', 'text 1', 'id-3', at(3)]),
        highest: new Map([[conversationId, 2]]),
      },
    ],
  }
}

const kinds = (history: History) => [...new Set(check(history).map(({ kind }) => kind))]
const without = <Item>(list: readonly Item[], place: number) => list.filter((_, each) => each !== place)

describe('the checker of the simulation', () => {
  test('finds nothing where nothing is wrong', () => {
    expect(check(good())).toEqual([])
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
      'lost',
      'a sent entry is neither stored nor refused',
      ({ sent }) => ({
        sent: [...sent, { client: 'one', conversationId, senderId: 's', clientId: 'm4' }],
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
        logs: logs.map(log => ({ ...log, entries: [...log.entries, entry(row(9, 9), 9)] })),
      }),
    ],
    [
      'diverged',
      'a client shows what was taken back',
      ({ stored }) => ({
        stored: [{ ...(stored[0] as StoredMessage), text: '', deleted: true }, ...stored.slice(1)],
      }),
    ],
    ['leaked_note', 'a visitor has the id of a note', () => saw(['id-2'])],
    ['leaked_note', 'a visitor has the text of a note', () => saw(['text 2'])],
    ['leaked_note', 'a visitor has the time of a note', () => saw([at(2)])],
    ['leaked_note', 'a visitor was told of a position that only members have', () => saw([], 3)],
  ]
  const saw = (words: string[], position = 0) => ({
    visitorsSaw: [{ client: 'two', words: new Set(words), highest: new Map([[conversationId, position]]) }],
  })

  test.each(broken)('%s: %s', (kind, _words, change) => {
    const history = good()
    expect(kinds({ ...history, ...change(history) })).toContain(kind)
  })

  test('what was refused for good need not be there', () => {
    const history = good()
    const name = { conversationId, senderId: 's', clientId: 'm4' }
    expect(
      check({ ...history, sent: [...history.sent, { ...name, client: 'one' }], refused: [name] }),
    ).toEqual([])
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
