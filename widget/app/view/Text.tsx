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

/** Of a source. A search gives an agent six, and it searches a few times: a larger number, such as [404], is words. */
const mostNumber = 99

export function Text({ text, citations, open }: TextProps) {
  const words = useWords()
  // Readers count sources as they come; the answer's own numbers say which passages it was given.
  const came = citations === 'unknown' ? [] : citations.map(({ number }) => number)
  const cite = (own: number) => {
    // While it is written nobody knows yet which source that will be, or whether it is one.
    const maybe = citations === 'unknown' && own > 0 && own <= mostNumber
    if (maybe && !came.includes(own)) came.push(own)
    const number = came.indexOf(own) + 1
    if (citations === 'unknown') return maybe ? <span class="cite">{number}</span> : undefined
    const source = citations[number - 1]
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
    {citations.map(({ chunkId, title }, at) => (
      <li key={chunkId}>
        <button type="button" class="chip" onClick={() => open(chunkId, title)}>
          <span>{at + 1}</span>
          <bdi>{title}</bdi>
        </button>
      </li>
    ))}
  </ul>
))
