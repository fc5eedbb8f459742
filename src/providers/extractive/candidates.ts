import type { Passage } from '../model.ts'
import { type Line, linesOf } from './passageLines.ts'
import { formsOf, remembering, type Sharing } from './terms.ts'

/** A line of a passage, and how much it says of each term of the question: 0 to 1. */
export interface Candidate {
  readonly line: Line
  readonly passage: Passage
  /** Of the passage, the best is 0. */
  readonly rank: number
  /** Of the line in its passage. */
  readonly place: number
  readonly forms: ReadonlySet<string>
  /** In itself. */
  readonly own: readonly number[]
  /** Right above it. */
  readonly above: readonly number[]
  /** In title and outer headings. */
  readonly around: readonly number[]
  /** Its neighbours in the same paragraph. */
  before: Candidate | undefined
  after: Candidate | undefined
}

export function candidatesOf(
  passage: Passage,
  rank: number,
  sharing: Sharing,
  form: (word: string) => string,
): Candidate[] {
  const shares = remembering((text: string) => sharing(formsOf(text, form)))
  const candidates = linesOf(passage.text).map((line, place): Candidate => {
    const forms = formsOf(line.own, form)
    return {
      ...{ line, passage, rank, place, forms },
      own: sharing(forms),
      above: shares(line.above),
      around: shares(`${passage.title}\n${passage.section ?? ''}\n${line.around}`),
      ...{ before: undefined, after: undefined },
    }
  })
  for (const [at, candidate] of candidates.entries()) {
    candidate.before = neighbour(candidate, candidates[at - 1])
    candidate.after = neighbour(candidate, candidates[at + 1])
  }
  return candidates
}

/** Rows of a table and entries of a list say nothing of each other. */
const neighbour = ({ line }: Candidate, other: Candidate | undefined): Candidate | undefined =>
  other?.line.block === line.block && !line.cells && !line.entry ? other : undefined
