import { UnreadableDocument, type UnreadableReason } from '../kernel/index.ts'
import type { ServiceFailure } from '../providers/failure.ts'
import type { OutgoingError, OutgoingReason } from '../providers/outgoingError.ts'

/** Why a source or a document is not there, or not all of it, in words for a person: the one list of the room. */
const sentences = {
  not_found: 'There is nothing at this address.',
  access_denied: 'The server does not let us read this; it may need a login or a token.',
  invalid_address: 'This is no address that can be read.',
  private_address: 'The address is not public, so it is not read.',
  robots_refused: 'The site asks programs not to read this (robots.txt).',
  robots_unreadable: 'The robots.txt of the site cannot be read right now, so nothing of the site is.',
  noindex: 'The page asks not to be indexed.',
  unreachable: 'The server cannot be reached.',
  timed_out: 'The server took too long.',
  server_failed: 'The server answers with an error.',
  rate_limited: 'The server wants fewer requests. Synchronise again later.',
  too_many_redirects: 'The address redirects too often.',
  elsewhere: 'The address leads to another site.',
  content_too_large: 'It is larger than what is read.',
  too_many_pages: 'There is more than may be read. What was read first is kept.',
  too_much: 'All together is larger than may be read. What was read first is kept.',
  out_of_time: 'Reading all of it takes longer than it may. What was read first is kept.',
  some_failed: 'Some documents could not be read; the list of documents says why.',
  nothing_found: 'No document was found here.',
  outdated: 'It could not be read this time; what was read before is kept.',
  service_failed: 'The service for embeddings failed. Synchronise again later.',
  service_misconfigured:
    'The service for embeddings does not accept its key, address or model. The operator has to look at it.',
  service_refused: 'The service for embeddings refuses this text.',
  bytes_gone: 'The uploaded file is not there any more. Upload it again.',
  internal: 'Something went wrong on our side.',
} as const

export type ProblemCode = keyof typeof sentences | UnreadableReason

export interface Problem {
  readonly code: ProblemCode
  readonly message: string
}

/** Thrown by what reads sources. Its message is for the person who added the source. */
export class SourceProblem extends Error implements Problem {
  readonly code: keyof typeof sentences

  constructor(code: keyof typeof sentences, message: string = sentences[code]) {
    super(message)
    this.name = 'SourceProblem'
    this.code = code
  }
}

export const problem = (code: keyof typeof sentences): Problem => ({ code, message: sentences[code] })

/** Undefined: nothing that reading a source is expected to meet. */
export function problemOf(error: unknown): Problem | undefined {
  if (error instanceof SourceProblem || error instanceof UnreadableDocument)
    return { code: error.code, message: error.message }
  if (isOutgoingError(error)) return problem(ofOutgoing[error.reason])
  return isServiceFailure(error) ? problem(ofService(error)) : undefined
}

/** The classes belong to providers, of which a room knows the types alone. */
const isOutgoingError = (error: unknown): error is OutgoingError =>
  error instanceof Error && error.name === 'OutgoingError'
export const isServiceFailure = (error: unknown): error is ServiceFailure =>
  error instanceof Error && error.name === 'ServiceFailure'

const ofOutgoing: Readonly<Record<OutgoingReason, keyof typeof sentences>> = {
  invalid_url: 'invalid_address',
  address_refused: 'private_address',
  unresolved: 'unreachable',
  unreachable: 'unreachable',
  too_many_redirects: 'too_many_redirects',
  too_large: 'content_too_large',
  timeout: 'timed_out',
  unreadable: 'server_failed',
  aborted: 'timed_out',
}

function ofService({ kind }: ServiceFailure): keyof typeof sentences {
  if (kind === 'misconfigured') return 'service_misconfigured'
  return kind === 'refused' || kind === 'too_long' ? 'service_refused' : 'service_failed'
}

/** About one document alone: the others of its source go on. */
export const concernsOneDocument = (error: unknown): boolean =>
  error instanceof UnreadableDocument ||
  (isServiceFailure(error) && (error.kind === 'refused' || error.kind === 'too_long'))
