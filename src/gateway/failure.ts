import { type Log, ParleyError } from '../kernel/index.ts'
import { errorTable, type Failure } from '../protocol/index.ts'

/** What leaves for a client: words of the error table; what nobody foresaw is logged and says nothing. */
export function failureOf(error: unknown, log: Log, about: Record<string, unknown>): Failure {
  const known = asParleyError(error)
  if (!known || known.code === 'internal') log.error({ err: error, ...about }, 'command failed')
  else if (known.cause !== undefined) {
    const { cause } = known
    log.warn(
      { reason: cause instanceof Error ? cause.message : String(cause), code: known.code, ...about },
      'command refused',
    )
  }
  return describe(known ?? new ParleyError('internal'))
}

export function describe(error: ParleyError): Failure {
  const { retryable } = errorTable[error.code]
  return {
    code: error.code,
    message: error.message,
    retryable,
    ...(retryable ? { retryAfter: error.retryAfter ?? 1 } : {}),
    ...(error.faults.length > 0 ? { errors: [...error.faults] } : {}),
  }
}

/** Libraries between us and the database wrap what it threw. */
function asParleyError(error: unknown): ParleyError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof ParleyError) return at
  return undefined
}
