import { type ErrorCode, errorTable, type Fault } from '../protocol/index.ts'

/** The only error that domain code throws on purpose; plumbing turns it into a response or an acknowledgement. */
export class ParleyError extends Error {
  readonly code: ErrorCode
  readonly faults: readonly Fault[]
  /** Seconds after which a retryable request may be sent again. */
  readonly retryAfter: number | undefined

  constructor(
    code: ErrorCode,
    detail?: string,
    options: { faults?: readonly Fault[]; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(detail ?? errorTable[code].title, { cause: options.cause })
    this.name = 'ParleyError'
    this.code = code
    this.faults = options.faults ?? []
    this.retryAfter = options.retryAfter
  }
}

export const notFound = (what: string): ParleyError => new ParleyError('not_found', `No such ${what}.`)

/** For a row that must be there: returns it or throws not_found. */
export function found<Row>(row: Row | undefined, what: string): Row {
  if (row === undefined) throw notFound(what)
  return row
}
