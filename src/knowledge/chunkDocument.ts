import { hash } from 'node:crypto'
import { estimateTokens } from '../kernel/index.ts'
import type { Block, ParsedDocument } from '../providers/documentReader.ts'
import { costOf, joinBlocks } from './blockText.ts'
import { splitBlocks } from './splitBlocks.ts'

/** What is searched and cited. */
export interface Chunk extends Parent {
  /** Where its parent stands in `sections`. */
  readonly parent: number
}

/** The section around chunks, for context. */
export interface Parent {
  /** Counts sections and chunks together, a section before its chunks. */
  readonly position: number
  /** Of its first block. */
  readonly page?: number
  /** The headings above it, outermost first, joined by ` › `. */
  readonly section: string
  readonly text: string
  readonly tokenCount: number
  /** Of `section` and `text`. */
  readonly contentHash: string
}

export const mostChunkTokens = 1_000
export const mostSectionTokens = 3_000

/**
 * Cuts a document into chunks to be found, and sections around them to be understood. The same document gives the same chunks.
 *
 * Sections follow the headings: small neighbours are joined, large ones are cut between blocks. Where neighbours are parted depends on their
 * headings alone, so whoever edits one section changes the chunks that have something of it, and no others.
 */
export function chunkDocument({ blocks }: Pick<ParsedDocument, 'blocks'>): {
  sections: Parent[]
  chunks: Chunk[]
} {
  const sections: Parent[] = []
  const chunks: Chunk[] = []
  for (const around of pieces(partsOf(blocks), mostSectionTokens)) {
    const parent = sections.length
    sections.push(describe(around, sections.length + chunks.length))
    for (const piece of pieces(around, mostChunkTokens))
      chunks.push({ parent, ...describe(piece, sections.length + chunks.length) })
  }
  return { sections, chunks }
}

/** A heading, where there is one, and what stands under it up to the next. */
interface Part {
  readonly path: readonly string[]
  /** Of its first heading. */
  readonly level: number
  readonly blocks: readonly Block[]
  readonly cost: number
  /** Decides between neighbours of the same level. */
  readonly rank: string
}

/** Longer ones are sentences that somebody has set in large letters. */
const longestHeading = 300

function partsOf(blocks: readonly Block[]): Part[] {
  const parts: Part[] = []
  const seen = new Map<string, number>()
  let above: { level: number; text: string }[] = []
  let open: Block[] = []
  let level = 0
  const end = () => {
    if (open.length === 0) return
    const path = above.map(({ text }) => text)
    const key = path.join('\n')
    const before = seen.get(key) ?? 0
    seen.set(key, before + 1)
    const rank = hash('sha256', `${key}\n${before}`)
    parts.push({ path, level, blocks: open, cost: costOf(open), rank })
    open = []
  }
  for (const block of blocks) {
    if (block.kind === 'heading' && block.text.length <= longestHeading) {
      // A heading that only introduces the next one stays with it.
      const introduces = open.length > 0 && open.every(({ kind }) => kind === 'heading')
      if (!introduces || block.level <= (above.at(-1)?.level ?? 0)) end()
      if (open.length === 0) level = block.level
      above = [...above.filter(({ level }) => level < block.level), block]
    }
    open.push(block)
  }
  end()
  return parts
}

/**
 * Runs of parts that fit the limit. What does not fit is parted before its highest heading; between equals, chance decides that depends on
 * nothing but the headings. A part that is too large by itself is cut between its blocks.
 */
function pieces(parts: readonly Part[], limit: number): Part[][] {
  const cost = parts.reduce((sum, part) => sum + part.cost, 0)
  if (cost <= limit) return parts.length > 0 ? [[...parts]] : []
  const [only] = parts
  if (parts.length === 1 && only)
    return splitBlocks(only.blocks, limit).map(blocks => [{ ...only, blocks, cost: costOf(blocks) }])
  const at = parts.reduce(
    (best, _, index) => (index > 1 && comesBefore(parts[index], parts[best]) ? index : best),
    1,
  )
  return [...pieces(parts.slice(0, at), limit), ...pieces(parts.slice(at), limit)]
}

const comesBefore = (one: Part | undefined, other: Part | undefined): boolean =>
  one !== undefined &&
  other !== undefined &&
  (one.level === other.level ? one.rank < other.rank : one.level < other.level)

function describe(parts: readonly Part[], position: number): Parent {
  const blocks = parts.flatMap(part => part.blocks)
  const text = joinBlocks(blocks)
  const section = commonPath(parts.map(({ path }) => path)).join(' › ')
  const page = blocks[0]?.page
  return {
    position,
    ...(page !== undefined && { page }),
    section,
    text,
    tokenCount: estimateTokens(text),
    contentHash: hash('sha256', `${section}\n${text}`),
  }
}

function commonPath([first = [], ...others]: readonly (readonly string[])[]): readonly string[] {
  const differs = first.findIndex((text, at) => others.some(path => path[at] !== text))
  return differs < 0 ? first : first.slice(0, differs)
}
