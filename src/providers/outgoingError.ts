/**
 * - `invalid_url`: no address, or none of the web
 * - `address_refused`: it leads to where outgoing requests must not go
 * - `unresolved`: there is no such host
 * - `unreachable`: nobody answers there, or in another language
 * - `too_many_redirects`, `too_large`, `timeout`: a limit was reached
 * - `unreadable`: the body is not what its headers say
 * - `aborted`: whoever asked does not want it any more
 */
export type OutgoingReason =
  | 'invalid_url'
  | 'address_refused'
  | 'unresolved'
  | 'unreachable'
  | 'too_many_redirects'
  | 'too_large'
  | 'timeout'
  | 'unreadable'
  | 'aborted'

/** Its message may be shown to the tenant: it never says which address a name led to. */
export class OutgoingError extends Error {
  readonly reason: OutgoingReason

  constructor(reason: OutgoingReason, message: string) {
    super(message)
    this.name = 'OutgoingError'
    this.reason = reason
  }

  /** May the same request succeed a moment later? */
  get retryable(): boolean {
    return ['unresolved', 'unreachable', 'timeout'].includes(this.reason)
  }
}

export function outgoingErrorOf(error: unknown, signal: AbortSignal): OutgoingError {
  if (signal.aborted && signal.reason instanceof OutgoingError) return signal.reason
  if (error instanceof OutgoingError) return error
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (['ENOTFOUND', 'EAI_AGAIN', 'ENODATA'].includes(code))
    return new OutgoingError('unresolved', 'There is no such host, or its name cannot be resolved right now.')
  if (/^(Z_|ERR__?ERROR_|ERR_BROTLI|ERR_PADDING)|^ERR_.*(?:FORMAT|PADDING)/.test(code))
    return new OutgoingError('unreadable', 'The compressed body is broken.')
  return new OutgoingError(
    'unreachable',
    `The server cannot be reached or broke off (${code || 'no details'}).`,
  )
}
