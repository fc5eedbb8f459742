/**
 * The one error table. Every HTTP response and every socket acknowledgement that is not a success carries
 * one of these codes; nothing else may be sent.
 */

export interface ErrorKind {
  /** HTTP status of a response that carries this code. */
  readonly status: number
  /** Whether the same request can succeed later without being changed. */
  readonly retryable: boolean
  /** One line for a person. */
  readonly title: string
  /** What a client does when it meets the code. */
  readonly client: string
}

const table = {
  invalid_request: {
    status: 400,
    retryable: false,
    title: 'The request is not valid',
    client: 'Show the faults listed in `errors`; do not send it again unchanged.',
  },
  unauthenticated: {
    status: 401,
    retryable: false,
    title: 'No valid credential was presented',
    client: 'Ask the person to sign in, or use another key.',
  },
  token_expired: {
    status: 401,
    retryable: false,
    title: 'The credential has expired',
    client: 'Renew it, then connect or ask again.',
  },
  identity_required: {
    status: 401,
    retryable: false,
    title: 'This widget is for known people only',
    client: 'Have the site sign who the person is, and present that as `identity`.',
  },
  visitor_gone: {
    status: 410,
    retryable: false,
    title: 'This visitor is not known any more',
    client: 'Forget `resume` and what is kept of the conversations, and begin as a new visitor.',
  },
  forbidden: {
    status: 403,
    retryable: false,
    title: 'This credential may not do that',
    client: 'Hide or disable the action.',
  },
  permissions_changed: {
    status: 503,
    retryable: true,
    title: 'What you may do here has changed',
    client: 'Connect again; the new rights count from then on.',
  },
  email_unverified: {
    status: 403,
    retryable: false,
    title: 'The e-mail address is not verified yet',
    client: 'Offer to send the verification mail again.',
  },
  tenant_suspended: {
    status: 403,
    retryable: false,
    title: 'This workspace is suspended',
    client: 'Say so, and name the operator as the one to ask.',
  },
  not_found: {
    status: 404,
    retryable: false,
    title: 'There is no such thing here',
    client: 'Treat it as gone. A thing of another workspace answers the same.',
  },
  method_not_allowed: {
    status: 405,
    retryable: false,
    title: 'This address does not answer that method',
    client: 'Use one of the methods in `Allow`.',
  },
  conflict: {
    status: 409,
    retryable: false,
    title: 'The request contradicts what is stored',
    client: 'Read the current state and decide again.',
  },
  unknown_command: {
    status: 400,
    retryable: false,
    title: 'There is no such command for you',
    client: 'Check the name against the protocol; a newer client may be talking to an older server.',
  },
  unsupported_version: {
    status: 426,
    retryable: false,
    title: 'This version of the protocol is not spoken here',
    client: 'Load the current client. Whatever was not sent yet is kept for it.',
  },
  payload_too_large: {
    status: 413,
    retryable: false,
    title: 'The request is too large',
    client: 'Send less.',
  },
  unsupported_media_type: {
    status: 415,
    retryable: false,
    title: 'The body is of a type that is not read here',
    client: 'Send application/json; a file as one of the types that are taken, declared as what it is.',
  },
  range_not_satisfiable: {
    status: 416,
    retryable: false,
    title: 'The file has no such part',
    client: 'Ask for a part within the size of the file, or for all of it.',
  },
  idempotency_mismatch: {
    status: 422,
    retryable: false,
    title: 'This idempotency key was used for another request',
    client: 'Use a new key for a new request.',
  },
  rate_limited: {
    status: 429,
    retryable: true,
    title: 'Too many requests',
    client: 'Wait for Retry-After, then send again.',
  },
  internal: {
    status: 500,
    retryable: false,
    title: 'Something went wrong on our side',
    client: 'Show the request id; report it.',
  },
  slow_consumer: {
    status: 503,
    retryable: true,
    title: 'The connection did not take what was sent to it',
    client: 'Connect again and catch up from the last position.',
  },
  draining: {
    status: 503,
    retryable: true,
    title: 'This node is about to stop',
    client: 'Connect again; another node answers.',
  },
  unavailable: {
    status: 503,
    retryable: true,
    title: 'The service cannot answer right now',
    client: 'Wait for Retry-After, then send again.',
  },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof table

export const errorTable: Readonly<Record<ErrorCode, ErrorKind>> = table

export const errorCodes = Object.keys(table) as readonly ErrorCode[]

/** Where a request is at fault: a path into its body, query or parameters, and what is wrong there. */
export interface Fault {
  readonly path: string
  readonly message: string
}
