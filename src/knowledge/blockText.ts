import { estimateTokens } from '../kernel/index.ts'
import type { Block } from '../providers/documentReader.ts'

/** A block as Markdown. */
export function textOf(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${block.text}`
    case 'item':
      return `${'  '.repeat(Math.min(block.depth, 8))}${block.marker} ${block.text}`
    case 'code':
      return fenced(block.text, block.language ?? '')
    case 'paragraph':
    case 'table':
      return block.text
  }
}

/** Between fences that are longer than any in the code; where that would be absurd, without. */
function fenced(code: string, language: string): string {
  let longest = 2
  for (const [run] of code.matchAll(/`{3,}/g)) longest = Math.max(longest, run.length)
  const fence = '`'.repeat(longest + 1)
  return longest > 20 ? code : `${fence}${language.slice(0, 40)}\n${code}\n${fence}`
}

export const joinBlocks = (blocks: readonly Block[]): string =>
  blocks
    .map((block, at) => {
      if (at === 0) return textOf(block)
      return `${block.kind === 'item' && blocks[at - 1]?.kind === 'item' ? '\n' : '\n\n'}${textOf(block)}`
    })
    .join('')

/** At least the tokens that the blocks have together, with the blank lines between them. */
export const costOf = (blocks: readonly Block[]): number =>
  blocks.reduce((sum, block) => sum + estimateTokens(textOf(block)) + 1, 0)
