import { call } from './api.js'
import { at, make, onPress } from './dom.js'
import { deviceName, explain, moment } from './words.js'

/** In plain words; what a newer server records besides is shown by its name. */
const words = {
  'account.created': 'The account was made',
  'email.changed': 'The address was changed',
  'email.verified': 'The address was confirmed',
  'profile.changed': 'Your details were changed',
  'platform_role.changed': 'Your rights on this installation were changed',
  'password.set': 'A password was set',
  'password.changed': 'The password was changed',
  'password.reset': 'The password was replaced through a mail',
  'password.removed': 'The password was removed',
  'provider.linked': 'An account elsewhere can sign in here now',
  'provider.unlinked': 'An account elsewhere cannot sign in here any more',
  'session.started': 'Signed in',
  'session.ended': 'Signed out, or a session was ended',
  'session.expired': 'A session expired',
  'second_factor.begun': 'An authenticator app was about to be set up',
  'second_factor.verified': 'An authenticator app was confirmed with a code',
  'second_factor.enabled': 'The second factor was turned on',
  'second_factor.disabled': 'The second factor was turned off',
  'second_factor.removed': 'The authenticator app was forgotten',
  'second_factor.renewed': 'Another authenticator app was set up',
  'second_factor.asked': 'The password was right; the second factor was asked for',
  'second_factor.locked': 'Too many wrong codes: the second factor was locked for a while',
  'backup_code.used': 'A backup code was used',
  'backup_codes.renewed': 'New backup codes were made',
}

const pageSize = 10
let next

/** The trail of the account, the newest ten and on request more. */
export async function showActivity() {
  at('activity').replaceChildren()
  next = undefined
  await showMore()
}

async function showMore() {
  const query = new URLSearchParams({ limit: pageSize, ...(next ? { cursor: next } : {}) })
  const { data, problem } = await call('get', `/api/v1/me/security-events?${query}`)
  at('activity-said').textContent = problem ? explain(problem) : ''
  if (problem) return
  at('activity').append(...data.items.map(entry))
  next = data.nextCursor
  at('more-activity').hidden = next === null
}

function entry({ action, ipAddress, userAgent, createdAt }) {
  const where = [moment(createdAt), ipAddress, userAgent && deviceName(userAgent)]
  return make(
    'li',
    {},
    make(
      'div',
      {},
      make('strong', {}, words[action] ?? action),
      make('div', { class: 'soft small' }, where.filter(Boolean).join(' · ')),
    ),
  )
}

onPress(at('more-activity'), showMore)
