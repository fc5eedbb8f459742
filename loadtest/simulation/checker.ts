import { checkEarlierLogs, checkLogs } from './checkLogs.ts'
import { checkSightings } from './checkSightings.ts'
import type { History, Named, Rows } from './history.ts'
import type { Violation } from './violations.ts'

/**
 * Judges a run by what it left behind (L1, L2, L5). An empty list says that every promise was kept. Of a run that has not settled only
 * that is said which is wrong at any moment: what waits to be sent is not lost, and who is behind has not diverged.
 */
export function check(history: History): Violation[] {
  const byName = Map.groupBy(history.stored, nameOf)
  const byConversation = Map.groupBy(history.stored, ({ conversationId }) => conversationId)
  for (const rows of byConversation.values()) rows.sort((one, other) => one.seq - other.seq)
  return [
    ...checkPositions(history, byConversation),
    ...checkOnce(byName),
    ...checkStored(history, byName),
    ...checkRefused(history),
    ...checkSeen(history),
    ...checkAcks(history, byName),
    ...checkOrder(history, byName),
    ...checkEarlierLogs(history, byConversation),
    ...(history.unsettled === undefined ? checkSettled(history, byName, byConversation) : []),
    ...history.visitorsSaw.flatMap(saw => checkSightings(saw, history)),
  ]
}

const nameOf = ({ conversationId, senderId, clientId }: Named): string =>
  `${conversationId} ${senderId} ${clientId}`

/** L1: both ways of counting start at 1 and have no holes, and the conversation knows where they end. */
function checkPositions({ conversations }: History, byConversation: ReadonlyMap<string, Rows>): Violation[] {
  return conversations.flatMap(({ id, seq, publicSeq }) => {
    const rows = byConversation.get(id) ?? []
    const visible = rows.flatMap(row => (row.publicSeq === null ? [] : [row.publicSeq]))
    return [
      ...holes(
        `seq of ${id}`,
        rows.map(row => row.seq),
        seq,
      ),
      ...holes(`public_seq of ${id}`, visible, publicSeq),
    ]
  })
}

function holes(what: string, positions: readonly number[], head: number): Violation[] {
  const found: Violation[] = []
  for (const [at, position] of positions.entries())
    if (position !== at + 1) {
      found.push({ kind: 'hole', words: `${what}: ${position} stands at place ${at + 1}` })
      break
    }
  if (positions.length !== head)
    found.push({ kind: 'hole', words: `${what}: ${positions.length} entries, but the head is ${head}` })
  return found
}

/** L2: nothing is there twice. */
function checkOnce(byName: ReadonlyMap<string, Rows>): Violation[] {
  return [...byName].flatMap(([name, rows]): Violation[] =>
    rows.length > 1 ? [{ kind: 'duplicated', words: `${name} is stored ${rows.length} times` }] : [],
  )
}

/** L2: whatever was acknowledged is there. */
function checkStored({ acked }: History, byName: ReadonlyMap<string, Rows>): Violation[] {
  const names = new Set(acked.map(nameOf))
  return [...names].flatMap((name): Violation[] =>
    byName.has(name) ? [] : [{ kind: 'lost', words: `${name} was acknowledged and is not stored` }],
  )
}

/** Nobody says what they may not. */
function checkRefused({ sent, refused }: History): Violation[] {
  const said = new Set(sent.filter(({ deed }) => deed === 'say').map(nameOf))
  return refused.flatMap((one): Violation[] =>
    said.has(nameOf(one)) ? [{ kind: 'refused', words: `${nameOf(one)} was refused: ${one.code}` }] : [],
  )
}

/** L4: whatever anybody was told of is there. */
function checkSeen({ seen, stored }: History): Violation[] {
  const ids = new Set(stored.map(({ id }) => id))
  return seen.flatMap(({ client, conversationId, id }): Violation[] => {
    if (ids.has(id)) return []
    return [
      { kind: 'unfounded', words: `${client} was told of ${id} in ${conversationId}, which is not stored` },
    ]
  })
}

/** What has to be so once everybody has everything. */
function checkSettled(
  history: History,
  byName: ReadonlyMap<string, Rows>,
  byConversation: ReadonlyMap<string, Rows>,
): Violation[] {
  return [...checkSent(history, byName), ...checkLogs(history, byConversation)]
}

/** L2: whatever was sent and not refused is there. */
function checkSent({ sent, acked, refused }: History, byName: ReadonlyMap<string, Rows>): Violation[] {
  const answered = new Set([...acked, ...refused].map(nameOf))
  return sent.map(nameOf).flatMap((name): Violation[] => {
    if (answered.has(name) || byName.has(name)) return []
    return [{ kind: 'forgotten', words: `${name} was written and is not stored` }]
  })
}

/** L2: every acknowledgement of one entry says the same, and says what is stored. */
function checkAcks({ acked }: History, byName: ReadonlyMap<string, Rows>): Violation[] {
  return acked.flatMap(ack => {
    const [row] = byName.get(nameOf(ack)) ?? []
    if (!row) return []
    const place = ack.audience === 'member' ? row.seq : row.publicSeq
    if (row.id === ack.id && place === ack.seq) return []
    const words = `${nameOf(ack)} was acknowledged as ${ack.id} at ${ack.seq}, and is ${row.id} at ${place}`
    return [{ kind: 'wrong_ack', words } as const]
  })
}

/** What one client sent to one conversation stands there in the order it was written. */
function checkOrder({ sent }: History, byName: ReadonlyMap<string, Rows>): Violation[] {
  const found: Violation[] = []
  for (const [name, list] of Map.groupBy(sent, one => `${one.client} in ${one.conversationId}`)) {
    let last = 0
    for (const one of list) {
      const [row] = byName.get(nameOf(one)) ?? []
      if (!row) continue
      if (row.seq < last)
        found.push({ kind: 'reordered', words: `${name}: ${row.seq} was written after ${last}` })
      last = Math.max(last, row.seq)
    }
  }
  return found
}
