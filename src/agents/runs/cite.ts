import type { Passage } from '../../providers/model.ts'

/** The passages that an answer names, in the order in which it names them; marks of passages that there are not name nothing. */
export function citedIn(text: string, passages: readonly Passage[]): Passage[] {
  const byNumber = new Map(passages.map(passage => [passage.number, passage]))
  const cited = new Set<Passage>()
  for (const [, numbers] of text.matchAll(/\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]/g))
    for (const number of (numbers ?? '').split(',')) {
      const passage = byNumber.get(Number(number))
      if (passage) cited.add(passage)
    }
  return [...cited]
}

export const citationPart = ({ number, id, title, section, page }: Passage) => ({
  type: 'citation',
  ...{ number, chunkId: id, title },
  ...(section === undefined ? {} : { section }),
  ...(page === undefined ? {} : { page }),
})
