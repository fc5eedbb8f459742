import { call, installation } from './api.js'
import { at, showStep } from './dom.js'
import { onSubmit } from './forms.js'
import { frame } from './session.js'

onSubmit(at('ask').querySelector('form'), async ({ email }) => {
  const { problem } = await call('post', '/api/auth/request-password-reset', { email })
  if (problem) return problem
  at('sent-to').textContent = email.trim()
  showStep('sent')
})

async function tellAboutOutbox() {
  const { data } = await installation()
  at('outbox').hidden = !data?.parts.some(({ name, state }) => name === 'Mail' && state === 'built in')
}

await Promise.all([frame(), tellAboutOutbox()])
