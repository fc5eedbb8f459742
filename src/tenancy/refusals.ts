import type { Database } from '../db/index.ts'
import { ParleyError } from '../kernel/index.ts'

/** What better-auth's refusals mean in the error table. Whatever is not listed is told by its status. */
const meanings: Readonly<Record<string, ConstructorParameters<typeof ParleyError>[0]>> = {
  EMAIL_NOT_VERIFIED: 'email_unverified',
  INVALID_EMAIL_OR_PASSWORD: 'unauthenticated',
  INVALID_PASSWORD: 'unauthenticated',
  INVALID_CODE: 'unauthenticated',
  INVALID_BACKUP_CODE: 'unauthenticated',
  INVALID_TWO_FACTOR_COOKIE: 'unauthenticated',
  TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE: 'unauthenticated',
  INVALID_TOKEN: 'unauthenticated',
  TOKEN_EXPIRED: 'unauthenticated',
  USER_ALREADY_EXISTS: 'conflict',
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: 'conflict',
  FAILED_TO_CREATE_USER: 'conflict',
  EMAIL_PASSWORD_SIGN_UP_DISABLED: 'forbidden',
  PROVIDER_NOT_FOUND: 'not_found',
}

/** Where the library's words would send a person the wrong way. */
const ourWords: Readonly<Record<string, string>> = {
  TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE: 'Too many wrong codes. Sign in again.',
  INVALID_TWO_FACTOR_COOKIE:
    'Sign in with the password first; the code belongs to that attempt and its cookie.',
}

export async function refusalOf(response: Response, db: Database): Promise<ParleyError> {
  const text = await response.text()
  let told: { code?: unknown; message?: unknown } = {}
  try {
    told = text ? JSON.parse(text) : {}
  } catch {
    // Not JSON: the status has to do.
  }
  const detail =
    typeof told.message === 'string' && told.message ? `${told.message.replace(/\.$/, '')}.` : undefined
  const meaning = meanings[String(told.code)]
  if (meaning) return new ParleyError(meaning, ourWords[String(told.code)] ?? detail)
  if (response.status >= 500) {
    await db.ping()
    return new ParleyError('internal')
  }
  const byStatus = {
    401: 'unauthenticated',
    403: 'forbidden',
    404: 'not_found',
    409: 'conflict',
    422: 'conflict',
    429: 'rate_limited',
  } as const
  return new ParleyError(byStatus[response.status as keyof typeof byStatus] ?? 'invalid_request', detail)
}
