/**
 * What went wrong with an outside service, in the words that whoever calls it decides by:
 *
 * - `rate_limited`: it wants fewer requests; `retryAfter` seconds where it said so
 * - `unavailable`: it cannot be reached, answers with a fault of its own or with what is no answer
 * - `timeout`: it took too long; `limit` says for what
 * - `misconfigured`: key, address, model or parameters are wrong, or the account is empty: a person has to change something
 * - `refused`: it will not answer this for reasons of content
 * - `too_long`: more text than it takes
 * - `cut`: the answer broke off after it had begun
 * - `aborted`: whoever asked does not want it any more
 */
export type FailureKind =
  | 'rate_limited'
  | 'unavailable'
  | 'timeout'
  | 'misconfigured'
  | 'refused'
  | 'too_long'
  | 'cut'
  | 'aborted'

/** What time ran out for: anything at all, the next piece, the whole. */
export type TimeLimit = 'first' | 'idle' | 'total'

/** May the same request succeed a moment later? */
const worthRepeating: Readonly<Record<FailureKind, boolean>> = {
  rate_limited: true,
  unavailable: true,
  timeout: true,
  misconfigured: false,
  refused: false,
  too_long: false,
  cut: true,
  aborted: false,
}

/**
 * The one error of the services for models, embeddings and ranking. Its message never repeats what the service wrote, which may quote
 * the key or the conversation: it has status and codes only, so it may be logged (S5). For the same reason it has no cause.
 */
export class ServiceFailure extends Error {
  readonly kind: FailureKind
  readonly retryAfter: number | undefined
  readonly limit: TimeLimit | undefined

  constructor(
    kind: FailureKind,
    message: string,
    details: { retryAfter?: number | undefined; limit?: TimeLimit } = {},
  ) {
    super(message)
    this.name = 'ServiceFailure'
    this.kind = kind
    this.retryAfter = details.retryAfter
    this.limit = details.limit
  }

  get retryable(): boolean {
    return worthRepeating[this.kind]
  }
}

/** What is known of an error that a service answered with; `message` is looked at and never shown. */
export interface Refusal {
  readonly status?: number | undefined
  readonly headers?: Headers | undefined
  readonly code?: unknown
  readonly type?: unknown
  readonly message?: string
}

export function failureOf(refusal: Refusal): ServiceFailure {
  const { status, code, type } = refusal
  const words = [status, ...[code, type].filter(isWord)].filter(word => word !== undefined)
  const kind = kindOf(refusal)
  const retryAfter =
    kind === 'rate_limited' || kind === 'unavailable' ? secondsToWait(refusal.headers) : undefined
  return new ServiceFailure(kind, `${meanings[kind]} (${words.join(', ') || 'no details'})`, { retryAfter })
}

const meanings: Readonly<Record<FailureKind, string>> = {
  rate_limited: 'the service wants fewer requests',
  unavailable: 'the service failed',
  timeout: 'the service took too long',
  misconfigured: 'the service does not accept key, address, model or parameters',
  refused: 'the service refuses to answer this',
  too_long: 'the text is too long for the service',
  cut: 'the answer broke off',
  aborted: 'nobody wants the answer any more',
}

const tooLong =
  /context[_ ]length|context window|maximum context|too many (input )?tokens|string_above_max_length|(input|prompt|text) is too (long|large)|reduce (the|your) (length|prompt)/i
const refused = /content_?(filter|policy|management)|moderation|safety/i
const empty = /insufficient_quota|billing|credit/i
const limited = /rate_?limit|too_many_requests/i
const overloaded = /overload|server_error|unavailable|internal/i

function kindOf({ status, code, type, message = '' }: Refusal): FailureKind {
  const words = `${code ?? ''} ${type ?? ''}`
  if (empty.test(words) || status === 402) return 'misconfigured'
  if (status === 429 || limited.test(words)) return 'rate_limited'
  if (status === undefined || status >= 500 || [408, 409, 425].includes(status)) {
    if (tooLong.test(words)) return 'too_long'
    return refused.test(words) && !overloaded.test(words) ? 'refused' : 'unavailable'
  }
  if (status === 413 || tooLong.test(`${words} ${message}`)) return 'too_long'
  return refused.test(words) ? 'refused' : 'misconfigured'
}

/** Codes are words such as context_length_exceeded; anything else may be text. */
const isWord = (value: unknown): value is string => typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)

/** Seconds or a date; nothing beyond an hour is believed. */
function secondsToWait(headers: Headers | undefined): number | undefined {
  const said = headers?.get('retry-after')?.trim()
  if (!said) return undefined
  const seconds = /^\d+(\.\d+)?$/.test(said) ? Number(said) : (Date.parse(said) - Date.now()) / 1_000
  return Number.isFinite(seconds) ? Math.min(Math.max(Math.ceil(seconds), 0), 3_600) : undefined
}

/** For what broke on its way to or from the service; of the error only a code such as ECONNREFUSED is kept. */
export function connectionFailure(error: unknown, begun: boolean): ServiceFailure {
  if (error instanceof ServiceFailure) return error
  const kind = begun ? 'cut' : 'unavailable'
  const meaning = begun ? meanings.cut : 'the service cannot be reached'
  return new ServiceFailure(kind, `${meaning} (${codeOf(error) ?? 'no details'})`)
}

function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ('code' in at && isWord(at.code)) return at.code
  }
  return error instanceof Error && isWord(error.name) ? error.name : undefined
}
