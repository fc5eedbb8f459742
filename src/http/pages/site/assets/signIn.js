import { call, installation } from './api.js'
import { at, keepNext, nextPath, onPress, showStep } from './dom.js'
import { clear, onSubmit, revealPasswords, say } from './forms.js'
import { frame } from './session.js'
import { offerProviders } from './social.js'
import { landing } from './words.js'

const passwordForm = at('password-step').querySelector('form')
const codeForm = at('code-step').querySelector('form')
const kinds = {
  app: {
    route: '/api/auth/two-factor/verify-totp',
    lead: 'Enter the six digits that your authenticator app shows now.',
    other: 'Use a backup code instead',
    inputmode: 'numeric',
  },
  backup: {
    route: '/api/auth/two-factor/verify-backup-code',
    lead: 'Enter one of the backup codes that you kept. It works this once.',
    other: 'Use the authenticator app instead',
    inputmode: 'text',
  },
}
let kind = 'app'

keepNext()
revealPasswords()
sayHowTheyLanded()

onSubmit(passwordForm, async ({ email, password }) => {
  const { data, problem } = await call('post', '/api/auth/sign-in/email', { email, password, ...comeBack() })
  if (problem?.code === 'email_unverified') {
    say(passwordForm, 'Please confirm your address first. We have just sent you a new link.', 'aside')
    return
  }
  if (problem) return problem
  if (data.twoFactorRedirect) askForCode('app')
  else goOn()
})

onSubmit(codeForm, async ({ code, trustDevice }) => {
  const given = kind === 'app' ? code.replace(/\s/g, '') : code.trim()
  const { problem } = await call('post', kinds[kind].route, { code: given, trustDevice })
  if (!problem) {
    goOn()
    return
  }
  if (!/cookie/i.test(problem.detail ?? '')) return problem
  startOver()
  say(passwordForm, 'That took too long or too many attempts. Please sign in again.')
})

onPress(at('other-code'), () => askForCode(kind === 'app' ? 'backup' : 'app'))
onPress(at('start-over'), startOver)

/** The mail that confirms an address comes back to where the person was going. */
function comeBack() {
  const next = nextPath()
  const query = new URLSearchParams({ verified: 'true', ...(next ? { next } : {}) })
  return { callbackURL: `/sign-in?${query}` }
}

function askForCode(which) {
  kind = which
  const { lead, other, inputmode } = kinds[which]
  clear(codeForm)
  codeForm.querySelector('[data-lead]').textContent = lead
  at('other-code').textContent = other
  const input = at('code')
  input.value = ''
  input.inputMode = inputmode
  showStep('code-step')
  input.focus()
}

function startOver() {
  at('password').value = ''
  showStep('password-step')
  at('password').focus()
}

function goOn() {
  location.assign(nextPath() ?? '/')
}

function sayHowTheyLanded() {
  const query = new URLSearchParams(location.search)
  const error = query.get('error')
  if (error !== null) say(passwordForm, landing(error))
  else if (query.get('verified') !== null)
    say(passwordForm, 'Your address is confirmed. Sign in to go on.', '')
}

async function adjustToInstallation() {
  const { data } = await installation()
  at('to-sign-up').hidden = data?.accounts.signUp === false
  at('demo-hint').hidden = !data?.demoLogin
}

await Promise.all([frame(), offerProviders(passwordForm), adjustToInstallation()])
