import { call } from './api.js'
import { at, make, onPress } from './dom.js'
import { clear, onSubmit } from './forms.js'
import { qrSvg } from './qr.js'
import { explain } from './words.js'

const passwordForm = at('factor-password')
const codeForm = at('factor-code')
const steps = ['factor-actions', 'factor-password', 'factor-secret', 'factor-code', 'factor-codes']

/** What happens once the password is given, the codes to show at the end, and who is told: the session is a new one then. */
const state = { afterPassword: undefined, codes: [], changed: undefined }

/** The part of the account page that turns the authenticator app on and off. */
export async function secondFactor(changed) {
  state.changed = changed
  onSubmit(passwordForm, async ({ password }) => {
    const problem = await state.afterPassword(password)
    if (!/^invalid password/i.test(problem?.detail ?? '')) return problem
    return { ...problem, errors: [{ path: 'password', message: 'that is not your password' }] }
  })
  onSubmit(codeForm, async ({ code }) => {
    const given = code.replace(/\s/g, '')
    const { problem } = await call('post', '/api/auth/two-factor/verify-totp', { code: given })
    if (problem) return { ...problem, errors: [{ path: 'code', message: problem.detail ?? problem.title }] }
    showCodes()
    tell('Signing in asks for a second factor from now on.')
    await changed()
  })
  for (const button of document.querySelectorAll('#factor [data-cancel]')) onPress(button, rest)
  onPress(at('copy-codes'), async () => {
    await navigator.clipboard.writeText(state.codes.join('\n'))
    at('copy-codes').textContent = 'Copied'
  })
  await rest()
}

/** What there is to do while nothing is going on. */
async function rest() {
  const { data, problem } = await call('get', '/api/auth/two-factor')
  show('factor-actions')
  if (problem) {
    tell(explain(problem))
    return
  }
  tell(
    data.enabled
      ? 'Signing in asks for a code of your authenticator app.'
      : 'Signing in asks for your password only. An authenticator app makes a stolen password useless.',
  )
  const offers = data.enabled
    ? [offer('New backup codes', renewCodes, 'quiet'), offer('Turn it off', disable, 'danger')]
    : [offer('Set up an authenticator app', enable)]
  at('factor-actions').replaceChildren(...offers)
}

function offer(text, next, look) {
  const button = make('button', { type: 'button', class: look }, text)
  onPress(button, () => {
    state.afterPassword = next
    passwordForm.reset()
    clear(passwordForm)
    show('factor-password')
    at('factorPassword').focus()
  })
  return button
}

async function enable(password) {
  const { data, problem } = await call('post', '/api/auth/two-factor/enable', { password })
  if (problem) return problem
  state.codes = data.backupCodes
  showSecret(data.totpURI)
  codeForm.reset()
  clear(codeForm)
  show('factor-secret', 'factor-code')
  at('factorCode').focus()
}

async function disable(password) {
  const { problem } = await call('post', '/api/auth/two-factor/disable', { password })
  if (problem) return problem
  await Promise.all([rest(), state.changed()])
  at('factor-title').focus()
}

async function renewCodes(password) {
  const { data, problem } = await call('post', '/api/auth/two-factor/generate-backup-codes', { password })
  if (problem) return problem
  state.codes = data.backupCodes
  showCodes()
  tell('The old backup codes do not work any more.')
}

function show(...wanted) {
  for (const id of steps) at(id).hidden = !wanted.includes(id)
}

function tell(text) {
  at('factor-said').textContent = text
}

function showSecret(uri) {
  const picture = qrSvg(uri)
  at('factor-qr').hidden = picture === undefined
  if (picture) at('factor-qr').replaceChildren(picture)
  const secret = new URL(uri).searchParams.get('secret') ?? ''
  at('factor-key').textContent = secret.replace(/(.{4})(?=.)/g, '$1 ')
  at('factor-link').href = uri
}

function showCodes() {
  at('factor-code-list').replaceChildren(...state.codes.map(code => make('li', {}, code)))
  at('copy-codes').textContent = 'Copy them'
  at('copy-codes').hidden = navigator.clipboard === undefined
  show('factor-codes')
  at('factor-title').focus()
}
