import { ParleyError } from '../kernel/index.ts'

/** What a driver's error says, wherever drizzle or the pool wrapped it. */
interface DriverFault {
  readonly code: string
  readonly constraint: string | undefined
  readonly message: string
}

const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** Driver messages that carry no code. */
const unreachableMessage =
  /Connection terminated|connection error and is not queryable|timeout exceeded when trying to connect|Query read timeout|was closed and is not queryable|pool after calling end/

export function driverFault(error: unknown): DriverFault | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    // Our own errors have codes too; what the driver said is in their cause.
    if (at instanceof ParleyError) continue
    const code = 'code' in at && typeof at.code === 'string' ? at.code : undefined
    const constraint = 'constraint' in at && typeof at.constraint === 'string' ? at.constraint : undefined
    if (code !== undefined) return { code, constraint, message: at.message }
    if (unreachableMessage.test(at.message)) return { code: 'ECONNRESET', constraint, message: at.message }
    if (at instanceof AggregateError && at.errors.length > 0) return driverFault(at.errors[0])
  }
  return undefined
}

const isOutage = (code: string): boolean =>
  // 25P03: it was frozen in a transaction, which the server has rolled back.
  unreachable.has(code) || code === '25P03' || /^(08|53|57P|58)/.test(code)

/** Whether the server may have done what it was asked to, and its answer got lost. */
export function mayBeDone(error: unknown): boolean {
  const fault = driverFault(error)
  return fault !== undefined && isOutage(fault.code)
}

/** The constraint that refused a row as a duplicate, so that a verb can say in its own words what is taken. */
export function duplicateOf(error: unknown): string | undefined {
  const fault = driverFault(error)
  return fault?.code === '23505' ? fault.constraint : undefined
}

/** Whether it lost against another transaction, by a deadlock or by what that one wrote: done again, it meets nobody. */
export const hasCollided = (error: unknown): boolean =>
  ['40P01', '40001'].includes(driverFault(error)?.code ?? '')

/** Turns what the driver threw into the error table's words; anything unknown passes through and becomes `internal`. */
export function translateFault(error: unknown): unknown {
  if (error instanceof ParleyError) return error
  const fault = driverFault(error)
  if (!fault) return error
  const { code } = fault
  const options = { cause: error }
  if (isOutage(code)) {
    return new ParleyError('unavailable', 'The database cannot be reached.', { ...options, retryAfter: 2 })
  }
  if (code === '57014' || code === '55P03' || code.startsWith('40')) {
    return new ParleyError('unavailable', 'The database is too busy.', { ...options, retryAfter: 1 })
  }
  if (code === '23505') return new ParleyError('conflict', 'Something like this exists already.', options)
  if (code === '23503') {
    return new ParleyError(
      'conflict',
      'This refers to something that does not exist, or is still referred to.',
      options,
    )
  }
  // Data the database cannot hold, such as a NUL character in a text.
  if (code.startsWith('22')) {
    return new ParleyError('invalid_request', 'A value cannot be stored as it is.', options)
  }
  return error
}
