import type { ErrorCode, Failure } from '../protocol/index.ts'

/** What the client itself answers where the server could not. */
export const unavailable = (message: string): Failure => ({ code: 'unavailable', message, retryable: true })

/** These say that another credential would do, so they end nothing as long as one can be had. */
export const asksForCredential = (code: ErrorCode): boolean =>
  code === 'token_expired' || code === 'unauthenticated'

/** A refused handshake carries its failure in `data`; so may what `auth` and `renew` throw. Anything else is no answer at all. */
export function failureOf(error: unknown): Failure {
  const data = isObject(error) && 'data' in error ? error.data : error
  if (isObject(data) && typeof data.code === 'string' && typeof data.retryable === 'boolean') {
    return { message: '', ...data } as Failure
  }
  return unavailable(error instanceof Error ? error.message : 'The service cannot be reached.')
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
