import { estimateTokens, splitSentences } from '../kernel/index.ts'
import type { Block } from '../providers/documentReader.ts'
import { costOf } from './blockText.ts'

/** A block as blocks that cost no more than the limit: itself, if it fits. Nothing of it is lost. */
export function splitBlock(block: Block, limit: number): Block[] {
  const cost = costOf([block])
  if (cost <= limit) return [block]
  if (block.kind === 'table') return splitTable(block, limit)
  // What marks and fences take, and what rounding does.
  const room = limit - (cost - estimateTokens(block.text)) - 2
  const texts = cut(block.text, room, block.kind === 'code' ? codeSeams : textSeams)
  if (block.kind === 'code') return texts.map(text => ({ ...block, text }))
  const { text: _, ...rest } = block
  return texts.map((text, at) =>
    at === 0 && rest.kind === 'item' ? { ...block, text } : paragraph(text, block),
  )
}

const paragraph = (text: string, { page }: Block): Block => ({
  kind: 'paragraph',
  text,
  ...(page !== undefined && { page }),
})

/** Each piece repeats the titles of the columns. A row that is too large for that goes on as text. */
function splitTable(block: Block & { kind: 'table' }, limit: number): Block[] {
  const [titles = '', dashes = '', ...rows] = block.text.split('\n')
  const head = `${titles}\n${dashes}`
  const room = limit - estimateTokens(head) - 3
  if (room < limit / 2) return cut(block.text, limit - 1, textSeams).map(text => paragraph(text, block))
  const pieces: Block[] = []
  let fits: string[] = []
  const end = () => {
    for (const text of merge(fits, '\n', room)) pieces.push({ ...block, text: `${head}\n${text}` })
    fits = []
  }
  for (const row of rows) {
    if (estimateTokens(row) < room) fits.push(row)
    else {
      end()
      pieces.push(...cut(row, limit - 1, textSeams).map(text => paragraph(text, block)))
    }
  }
  end()
  return pieces
}

/** Where a text can be parted, and what stood between the parts. */
interface Seam {
  readonly parts: (text: string) => string[]
  readonly between: string
}

const at = (between: string): Seam => ({ parts: text => text.split(between), between })
/** For text that has no place to be parted at; never within a character. */
const anywhere: Seam = { parts: text => text.match(/[\s\S]{1,100}/gu) ?? [], between: '' }

const textSeams: readonly Seam[] = [at('\n'), { parts: splitSentences, between: ' ' }, at(' '), anywhere]
const codeSeams: readonly Seam[] = [at('\n\n'), at('\n'), at(' '), anywhere]

/** At the coarsest seams that will do; what is still too large, at finer ones. */
function cut(text: string, limit: number, [seam, ...finer]: readonly Seam[]): string[] {
  if (!seam || estimateTokens(text) < limit) return [text]
  const parts = seam.parts(text).flatMap(part => cut(part, limit, finer))
  return merge(parts, seam.between, limit)
}

/** Neighbours together, as many as fit. */
function merge(parts: readonly string[], between: string, limit: number): string[] {
  const merged: string[] = []
  let open: string | undefined
  /** At least the tokens of `open`: the estimate of a whole is no more than those of its parts and one for each seam. */
  let most = 0
  for (const part of parts) {
    const cost = estimateTokens(part) + 1
    if (open !== undefined && most + cost > limit) most = estimateTokens(open) + 1
    if (open === undefined || most + cost > limit) {
      if (open !== undefined) merged.push(open)
      open = part
      most = cost
    } else {
      open += between + part
      most += cost
    }
  }
  return open === undefined ? merged : [...merged, open]
}
