import type { History, Sightings, StoredMessage } from './history.ts'
import type { Violation } from './violations.ts'

/**
 * L1: notes leave no trace, neither themselves nor as a hole, nor the time when one was written, nor a position before anything that
 * visitors see stands there: not even for the moment until something does.
 */
export function checkSightings({ client, words, positions }: Sightings, { stored }: History): Violation[] {
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
  const places = new Map(visible.map(row => [placeOf(row.conversationId, row.publicSeq), row]))
  for (const [id, told] of positions)
    for (const [position, at] of told) found.push(...early(places.get(placeOf(id, position)), position, at))
  return found

  function early(row: StoredMessage | undefined, position: number, at: number): Violation[] {
    if (position === 0) return []
    if (!row) return [leak(`position ${position}, where nothing stands that visitors see`)]
    const wait = Date.parse(row.createdAt) - at
    return wait > 0 ? [leak(`position ${position} ${wait} ms before anything stood there`)] : []
  }
}

const placeOf = (conversationId: string, position: number | null): string => `${conversationId} ${position}`
