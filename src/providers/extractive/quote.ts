import type { Candidate } from './candidates.ts'
import type { Kind } from './kinds.ts'
import { type Cell, sayRow } from './passageLines.ts'

/** A sentence that begins so is understood only after the one before it. */
const leaning =
  /^(?:it|they|he|she|this|these|that|those|there|then|such|both|otherwise|afterwards|above that|for that|at other times|if (?:so|not|somebody does)|the (?:first|second|third|latter|former|rest|others?)|es|er|sie|dies\w*|dort|dann|dafür|damit|il|elle|ils|elles|cela|ceci|ello|esto|eso)(?=[\s,])/iu
/** Of rows with more columns, only those are quoted that were asked for. */
const mostColumns = 3

/** Whether it is understood only after the sentence before it. */
export const leansOn = ({ line, before }: Pick<Candidate, 'line' | 'before'>): boolean =>
  before !== undefined && leaning.test(line.own)

/** What is said of a candidate: nothing but what stands in the passage. */
export function quoteOf(
  candidate: Candidate,
  kind: Kind | undefined,
  says: (text: string) => boolean,
): string {
  const { line, before } = candidate
  if (line.cells) return sayRow(askedCells(line.cells, kind, says))
  return before && leansOn(candidate) ? `${before.line.text} ${line.text}` : line.text
}

/** What the row is about, and what was asked of it; all of it, where that is not clear. */
function askedCells(
  cells: readonly Cell[],
  kind: Kind | undefined,
  says: (text: string) => boolean,
): readonly Cell[] {
  if (cells.length <= mostColumns) return cells
  const fits = ({ value }: Cell) => kind?.answered.test(value) ?? false
  const titled = ({ title }: Cell) => says(title)
  const others = cells.slice(1)
  const asked = [(cell: Cell) => fits(cell) && titled(cell), fits, titled].find(test => others.some(test))
  return asked ? cells.filter((cell, at) => at === 0 || asked(cell) || says(cell.value)) : cells
}
