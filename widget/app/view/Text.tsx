import type { Entry } from '../../../src/protocol/index.ts'
import { markdown } from '../markdown/blocks.tsx'
import { undirected } from '../markdown/inline.tsx'
import type { Words } from '../state/words.ts'
import { memo, useWords } from './parts.tsx'

export interface Citation {
  readonly number: number
  readonly chunkId: string
  readonly title: string
}

type Open = (chunkId: string, title: string) => void

export const citationsOf = (parts: Entry['parts']): readonly Citation[] =>
  parts.flatMap(({ type, number, chunkId, title }) =>
    type === 'citation' && typeof number === 'number' && typeof chunkId === 'string'
      ? [{ number, chunkId, title: undirected(typeof title === 'string' ? title : '') }]
      : [],
  )

interface TextProps {
  readonly text: string
  readonly citations: readonly Citation[] | 'unknown'
  readonly open?: Open
}

export function Text({ text, citations, open }: TextProps) {
  const words = useWords()
  const cite = (number: number) => {
    // While it is written nobody knows yet which source that will be.
    if (citations === 'unknown') return <span class="cite">{number}</span>
    const source = citations.find(one => one.number === number)
    return (
      source && (
        <button
          type="button"
          class="cite"
          aria-label={words('source', { number, title: source.title })}
          onClick={() => open?.(source.chunkId, source.title)}
        >
          {number}
        </button>
      )
    )
  }
  return <div class="md">{markdown(text, { cite })}</div>
}

interface SourcesProps {
  readonly citations: readonly Citation[]
  readonly open: Open
  readonly words: Words
}

export const Sources = memo(({ citations, open, words }: SourcesProps) => (
  <ul class="chips sources" aria-label={words('sources')}>
    {citations.map(({ number, chunkId, title }) => (
      <li key={chunkId}>
        <button type="button" class="chip" onClick={() => open(chunkId, title)}>
          <span>{number}</span>
          <bdi>{title}</bdi>
        </button>
      </li>
    ))}
  </ul>
))
