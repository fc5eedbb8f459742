import { call } from './api.js'
import { at, showStep } from './dom.js'
import { onSubmit, revealPasswords } from './forms.js'
import { frame } from './session.js'

const query = new URLSearchParams(location.search)
const token = query.get('token')

revealPasswords()
if (token === null || query.has('error')) showStep('stale')
// The token stays in this page and out of the history.
else history.replaceState(null, '', location.pathname)

onSubmit(at('choose').querySelector('form'), async ({ newPassword }) => {
  const { problem } = await call('post', '/api/auth/reset-password', { token, newPassword })
  if (!problem) showStep('done')
  else if (/token/i.test(problem.detail ?? '')) showStep('stale')
  else return problem
})

await frame()
