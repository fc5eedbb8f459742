import { showActivity } from './activity.js'
import { call } from './api.js'
import { at, make, onPress } from './dom.js'
import { onSubmit, revealPasswords, say } from './forms.js'
import { secondFactor } from './secondFactor.js'
import { frame, signOut, whoAmI } from './session.js'
import { deviceName, explain, moment } from './words.js'

const passwordForm = at('password')

revealPasswords()

async function open() {
  const me = await whoAmI()
  if (!me) {
    location.replace('/sign-in?next=/account')
    return
  }
  at('person').textContent = `${me.name}, ${me.email}`
  at('username').value = me.email
  at('sign-out').hidden = false
  await Promise.all([refresh(), secondFactor(refresh)])
}

/** Whatever is done here shows in both lists. */
const refresh = () => Promise.all([showSessions(), showActivity()])

onPress(at('sign-out'), async () => {
  const problem = await signOut()
  if (problem) at('sign-out-said').textContent = explain(problem)
  else location.assign('/')
})

async function showSessions() {
  const { data, problem } = await call('get', '/api/v1/me/sessions')
  if (problem) {
    at('sessions-said').textContent = explain(problem)
    return
  }
  at('sessions').replaceChildren(...data.items.map(entry))
  at('end-others').hidden = data.items.length < 2
}

function entry({ id, current, userAgent, ipAddress, lastUsedAt }) {
  const device = deviceName(userAgent)
  const about = make(
    'div',
    {},
    make('strong', {}, device),
    make('div', { class: 'soft small' }, [ipAddress, moment(lastUsedAt)].filter(Boolean).join(' · ')),
  )
  if (current) return make('li', {}, about, make('span', { class: 'mark good' }, 'This one'))
  const label = `End the session on ${device} of ${moment(lastUsedAt)}`
  const button = make('button', { type: 'button', class: 'plain', 'aria-label': label }, 'End')
  onPress(button, async () => {
    const { problem } = await call('delete', `/api/v1/me/sessions/${id}`)
    await tell(problem && problem.status !== 404 ? explain(problem) : `The session on ${device} has ended.`)
  })
  return make('li', {}, about, button)
}

onPress(at('end-others'), async () => {
  const { data, problem } = await call('delete', '/api/v1/me/sessions')
  await tell(
    problem ? explain(problem) : `${data.ended} ${data.ended === 1 ? 'session has' : 'sessions have'} ended.`,
  )
})

/** The pressed button may be gone afterwards, so the focus goes to the heading of the list. */
async function tell(text) {
  await refresh()
  at('sessions-said').textContent = text
  at('sessions-title').focus()
}

onSubmit(passwordForm, async ({ currentPassword, newPassword, revokeOtherSessions }) => {
  const input = { currentPassword, newPassword, revokeOtherSessions }
  const { problem } = await call('post', '/api/auth/change-password', input)
  if (problem) return wrongPassword(problem, 'currentPassword')
  for (const id of ['currentPassword', 'newPassword']) at(id).value = ''
  say(passwordForm, 'The password is changed.', '')
  await refresh()
})

function wrongPassword(problem, field) {
  if (!/^invalid password/i.test(problem.detail ?? '')) return problem
  return { ...problem, errors: [{ path: field, message: 'that is not your password' }] }
}

await Promise.all([frame(), open()])
