import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express'
import { type Log, ParleyError } from '../kernel/index.ts'
import { type ErrorCode, errorTable, type Problem } from '../protocol/index.ts'

/** The request's id, given to it by the first middleware. */
export const requestIdOf = (response: Response): string => String(response.locals.requestId)

export function sendProblem(response: Response, error: ParleyError): void {
  const kind = errorTable[error.code]
  const problem: Problem = {
    type: `/api/docs/errors#${error.code}`,
    title: kind.title,
    status: kind.status,
    code: error.code,
    ...(error.message === kind.title ? {} : { detail: error.message }),
    retryable: kind.retryable,
    requestId: requestIdOf(response),
    ...(error.faults.length > 0 ? { errors: [...error.faults] } : {}),
  }
  if (kind.retryable) response.set('Retry-After', String(error.retryAfter ?? 1))
  response.status(kind.status).type('application/problem+json').send(JSON.stringify(problem))
}

/** What went wrong while a body was read, by the names body-parser gives it. */
const bodyFaults: Readonly<Record<string, [ErrorCode, string]>> = {
  'entity.too.large': ['payload_too_large', 'The body is larger than this address accepts.'],
  'entity.parse.failed': ['invalid_request', 'The body is not valid JSON.'],
  'encoding.unsupported': ['unsupported_media_type', 'The content encoding is not supported.'],
  'charset.unsupported': ['unsupported_media_type', 'The character set is not supported.'],
  'request.aborted': ['invalid_request', 'The request ended before its body did.'],
  'request.size.invalid': ['invalid_request', 'The body is not as long as Content-Length says.'],
}

function toParleyError(error: unknown): ParleyError | undefined {
  // Libraries between us and the database wrap what it threw.
  for (let at = error; at instanceof Error; at = at.cause) if (at instanceof ParleyError) return at
  if (error instanceof URIError) return new ParleyError('invalid_request', 'The address is not well formed.')
  const type = error instanceof Error && 'type' in error ? String(error.type) : ''
  const known = bodyFaults[type]
  if (known) return new ParleyError(...known)
  // Anything else that the HTTP layer itself refuses, such as a malformed percent escape.
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 0
  if (status >= 400 && status < 500)
    return new ParleyError('invalid_request', 'The request is not well formed.')
  return undefined
}

/** The last middleware: every failure leaves as a problem from the error table; what nobody foresaw is logged and says nothing. */
export function problemHandler(log: Log): ErrorRequestHandler {
  return (error, request, response, _next) => {
    const known = toParleyError(error)
    if (!known || known.code === 'internal') {
      log.error(
        { err: error, requestId: requestIdOf(response), method: request.method, path: request.path },
        'request failed',
      )
    } else if (known.cause !== undefined) {
      // Refused on behalf of something below, such as the database: the caller gets our words, the log the reason. An outage
      // refuses many requests for one reason, which needs no stack.
      const { cause } = known
      const why =
        known.code === 'unavailable' && cause instanceof Error ? { reason: cause.message } : { err: cause }
      log.warn({ ...why, code: known.code, requestId: requestIdOf(response) }, 'request refused')
    }
    if (response.headersSent) {
      // Too late for a proper answer; cutting the connection at least does not pretend that it is complete.
      response.destroy()
      return
    }
    sendProblem(response, known ?? new ParleyError('internal'))
  }
}

export const nothingHere: RequestHandler = (request: Request) => {
  throw new ParleyError('not_found', `Nothing answers at ${request.path}.`)
}
