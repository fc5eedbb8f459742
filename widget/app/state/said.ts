import type { Message } from '../../../src/client/index.ts'
import { undirected } from '../markdown/inline.tsx'
import type { Words } from './words.ts'

export const filesOf = ({ parts }: Pick<Message, 'parts'>) =>
  parts.filter(({ type, fileId }) => fileId && (type === 'image' || type === 'file'))

/** Without signs that are for eyes, or for a place that draws them. */
export const spokenOf = (text: string): string =>
  text
    .replace(/ ?\[\d{1,3}(?:,\s?\d{1,3}){0,9}\]/g, '')
    .replace(/\[([^\]\n]{1,300})\]\([^)\s]{0,2000}\)/g, '$1')
    // Signs within words, as in an address or #12, are part of them.
    .replace(/[*`|~]+|\b_+|_+\b|^(?: *[-+#>]+ )+/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim()

/** A message in one line: its words, and what is sent along. */
export const saidIn = ({ text, parts }: Pick<Message, 'text' | 'parts'>, words: Words | undefined): string =>
  [
    spokenOf(text),
    ...filesOf({ parts }).map(({ type, name }) =>
      `${words?.(type === 'image' ? 'image' : 'file') ?? ''} ${typeof name === 'string' ? undirected(name) : ''}`.trim(),
    ),
  ]
    .filter(Boolean)
    .join(', ')
