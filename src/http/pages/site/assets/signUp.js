import { call, installation } from './api.js'
import { at, keepNext, nextPath, onPress, showStep } from './dom.js'
import { onSubmit, revealPasswords } from './forms.js'
import { frame } from './session.js'
import { offerProviders } from './social.js'
import { explain } from './words.js'

/** Brought along from an invitation's link; it opens the door where only invited people may sign up. */
const invitation = localStorage.getItem('parley.invitation')
const form = at('sign-up').querySelector('form')
let address = ''

keepNext()
revealPasswords()

onSubmit(form, async ({ name, email, password }) => {
  const input = { name, email, password, callbackURL: comeBack(), ...(invitation ? { invitation } : {}) }
  const { problem } = await call('post', '/api/auth/sign-up/email', input)
  if (problem) return problem
  address = email.trim()
  at('sent-to').textContent = address
  showStep('sent')
})

onPress(at('again'), async () => {
  const { problem } = await call('post', '/api/auth/send-verification-email', {
    email: address,
    callbackURL: comeBack(),
  })
  at('again-said').textContent = problem ? explain(problem) : 'Sent again.'
})

/** Where the link in the mail ends. */
function comeBack() {
  const next = nextPath()
  return `/sign-in?${new URLSearchParams({ verified: 'true', ...(next ? { next } : {}) })}`
}

async function adjustToInstallation() {
  const { data } = await installation()
  if (data?.accounts.signUp === false && !invitation) showStep('closed')
  at('outbox').hidden = !data?.parts.some(({ name, state }) => name === 'Mail' && state === 'built in')
}

await Promise.all([frame(), offerProviders(form), adjustToInstallation()])
