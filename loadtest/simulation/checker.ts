import type { Entry } from '../../src/protocol/index.ts'
import type { ClientLog, History, Named, Sightings, StoredMessage } from './history.ts'

export const violationKinds = [
  'lost',
  'duplicated',
  'reordered',
  'hole',
  'wrong_ack',
  'diverged',
  'leaked_note',
] as const

export interface Violation {
  readonly kind: (typeof violationKinds)[number]
  readonly words: string
}

/** Judges a run by what it left behind (L1, L2, L5). An empty list says that every promise was kept. */
export function check(history: History): Violation[] {
  const byName = Map.groupBy(history.stored, nameOf)
  const byConversation = Map.groupBy(history.stored, ({ conversationId }) => conversationId)
  for (const rows of byConversation.values()) rows.sort((one, other) => one.seq - other.seq)
  return [
    ...checkPositions(history, byConversation),
    ...checkOnce(history, byName),
    ...checkAcks(history, byName),
    ...checkOrder(history, byName),
    ...history.logs.flatMap(log => checkLog(log, byConversation.get(log.conversationId) ?? [])),
    ...history.visitorsSaw.flatMap(saw => checkSightings(saw, history)),
  ]
}

const nameOf = ({ conversationId, senderId, clientId }: Named): string =>
  `${conversationId} ${senderId} ${clientId}`

type Rows = readonly StoredMessage[]

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

/** L2: whatever was sent and not refused is there, and nothing is there twice. */
function checkOnce({ sent, acked, refused }: History, byName: ReadonlyMap<string, Rows>): Violation[] {
  const found: Violation[] = []
  for (const [name, rows] of byName)
    if (rows.length > 1) found.push({ kind: 'duplicated', words: `${name} is stored ${rows.length} times` })
  const given = new Set(refused.map(nameOf))
  const wanted = new Map(
    [...sent.filter(one => !given.has(nameOf(one))), ...acked].map(one => [nameOf(one), one]),
  )
  const answered = new Set(acked.map(nameOf))
  for (const name of wanted.keys())
    if (!byName.has(name))
      found.push({
        kind: 'lost',
        words: `${name} ${answered.has(name) ? 'was acknowledged and' : ''} is not stored`,
      })
  return found
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

/** L5: what a client ends with is what the database holds for its audience. */
function checkLog({ client, audience, conversationId, entries }: ClientLog, rows: Rows): Violation[] {
  const expected = rows
    .filter(row => audience === 'member' || row.publicSeq !== null)
    .map(row => essence({ ...row, seq: audience === 'member' ? row.seq : (row.publicSeq ?? 0) }))
  const held = entries.map(entry => essence({ ...entry, senderId: entry.sender.id }))
  const at = expected.findIndex((line, place) => held[place] !== line)
  if (at === -1 && held.length === expected.length) return []
  const where = at === -1 ? expected.length : at
  const words = `${client} in ${conversationId}, place ${where + 1} of ${expected.length}: has ${held[where]}, should have ${expected[where]}`
  return [{ kind: 'diverged', words }]
}

type Comparable = Pick<Entry, 'id' | 'seq' | 'type' | 'text' | 'clientId' | 'parentId' | 'deleted'> & {
  readonly senderId: string
}

const essence = (
  entry: Omit<Comparable, 'type' | 'deleted'> & { type: string; deleted?: boolean | undefined },
) =>
  JSON.stringify([
    ...[entry.seq, entry.id, entry.type, entry.text, entry.senderId],
    ...[entry.clientId, entry.parentId, entry.deleted === true],
  ])

/** L1: notes leave no trace, neither themselves nor as a hole, a position too high, or the time when one was written. */
function checkSightings(
  { client, words, highest }: Sightings,
  { stored, conversations }: History,
): Violation[] {
  const leak = (what: string): Violation => ({ kind: 'leaked_note', words: `${client} saw ${what}` })
  const visible = stored.filter(row => row.publicSeq !== null)
  const publicTimes = new Set(visible.map(row => row.createdAt))
  const found: Violation[] = []
  for (const row of stored) {
    if (row.publicSeq !== null) continue
    for (const trace of [row.id, row.clientId, row.text])
      if (trace !== '' && words.has(trace)) found.push(leak(`${trace} of the note ${row.id}`))
    if (!publicTimes.has(row.createdAt) && words.has(row.createdAt))
      found.push(leak(`the time of the note ${row.id}`))
  }
  if (words.has('note')) found.push(leak('an entry of the type note'))
  for (const { id, publicSeq } of conversations) {
    const position = highest.get(id) ?? 0
    if (position > publicSeq) found.push(leak(`position ${position} of ${publicSeq} in ${id}`))
  }
  return found
}
