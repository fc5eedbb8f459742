import { hash } from 'node:crypto'
import type { Block } from '../providers/documentReader.ts'
import { costOf, textOf } from './blockText.ts'
import { splitBlock } from './splitBlock.ts'

interface Placed {
  readonly block: Block
  readonly cost: number
}

/**
 * Blocks in groups that fit the limit, at least half full where the blocks allow it. Of the places where a group can end, the contents of the
 * blocks choose, so that after an edit the groups soon fall into step with what they were.
 */
export function splitBlocks(blocks: readonly Block[], limit: number): Block[][] {
  const placed = fitting(blocks, limit)
  const groups: Block[][] = []
  let left = placed.reduce((sum, { cost }) => sum + cost, 0)
  for (let from = 0; from < placed.length; ) {
    const to = left <= limit ? placed.length : endOf(placed, from, left, limit)
    const group = placed.slice(from, to)
    groups.push(group.map(({ block }) => block))
    left -= group.reduce((sum, { cost }) => sum + cost, 0)
    from = to
  }
  return groups
}

/** None larger than the limit. What follows headings leaves them their place, so that they need not stand alone. */
function fitting(blocks: readonly Block[], limit: number): Placed[] {
  const placed: Placed[] = []
  let headings = 0
  for (const block of blocks) {
    for (const piece of splitBlock(block, Math.max(limit - headings, limit / 2)))
      placed.push({ block: piece, cost: costOf([piece]) })
    headings = block.kind === 'heading' ? headings + costOf([block]) : 0
  }
  return placed
}

/** Where the group that begins at `from` ends; more is left than fits. */
function endOf(placed: readonly Placed[], from: number, left: number, limit: number): number {
  const ends: { at: number; sum: number }[] = []
  for (let at = from, sum = 0; at < placed.length; at++) {
    sum += placed[at]?.cost ?? 0
    if (sum > limit) break
    if (placed[at]?.block.kind !== 'heading') ends.push({ at: at + 1, sum })
  }
  const wellFilled = ends.filter(({ sum }) => sum >= limit / 2)
  // The rest of what is not much too large is not worth a group of its own.
  if (left <= limit * 1.5)
    return ends.reduce(
      (best, end) => (distance(end, left) < distance(best, left) ? end : best),
      ends[0] ?? none(from),
    ).at
  const ranked = wellFilled.map(({ at }) => ({ at, rank: rankOf(placed[at]) }))
  const [first] = ranked.sort((one, other) => (one.rank < other.rank ? -1 : 1))
  return first?.at ?? ends.at(-1)?.at ?? from + 1
}

const none = (from: number) => ({ at: from + 1, sum: 0 })
const distance = ({ sum }: { sum: number }, left: number) => Math.abs(sum - left / 2)
const rankOf = (next: Placed | undefined) => (next ? hash('sha256', textOf(next.block)) : '')
