/** What a problem means to the person in front of the page. */
export function explain(problem) {
  if (problem.code === 'rate_limited') {
    const seconds = problem.retryAfter ?? 60
    return `Too many attempts. Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`
  }
  if (problem.code === 'internal') {
    const quoted = problem.requestId ? ` If it stays so, report it with the number ${problem.requestId}.` : ''
    return `Something went wrong on our side.${quoted}`
  }
  return sentence(problem.detail ?? problem.title)
}

/** `must be an e-mail address` becomes `Must be an e-mail address.` */
export function sentence(text) {
  const full = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(full) ? full : `${full}.`
}

/** Why a link in a mail, or a provider's sign-in, led back here without success. */
const landings = {
  TOKEN_EXPIRED: 'This link has expired. Sign in, and we send you a new one.',
  INVALID_TOKEN: 'This link is not valid, or not valid any more. Sign in, and we send you a new one.',
  USER_NOT_FOUND: 'The account that this link belongs to does not exist any more.',
  ACCESS_DENIED: 'You did not allow the sign-in there, so nothing has changed.',
  SIGNUP_DISABLED: 'This installation does not take new accounts.',
  ACCOUNT_NOT_LINKED:
    'An account with this address exists already. Sign in with its password; then the two can be joined.',
  EMAIL_NOT_FOUND: 'The provider did not tell an e-mail address, which an account here needs.',
  STATE_MISMATCH: 'The sign-in took too long or began in another browser. Please try again.',
}

export const landing = code =>
  landings[code.toUpperCase()] ?? `That did not work (${code.slice(0, 60)}). Please try again.`

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
export const moment = iso => day.format(new Date(iso))

export const roleName = role => role.replaceAll('_', ' ')

const browsers = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Chrome\//, 'Chrome'],
  [/Safari\//, 'Safari'],
]
const systems = [
  [/iPhone|iPad/, 'iOS'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/Linux|X11/, 'Linux'],
]
const firstOf = (pairs, text) => pairs.find(([pattern]) => pattern.test(text))?.[1]

/** A session's device, told from its user agent. */
export function deviceName(userAgent) {
  if (!userAgent) return 'Unknown device'
  const browser = firstOf(browsers, userAgent)
  if (!browser) return userAgent.slice(0, 60)
  const system = firstOf(systems, userAgent)
  return system ? `${browser} on ${system}` : browser
}
