import { call, installation } from './api.js'
import { at, make, nextPath, onPress } from './dom.js'
import { showProblem } from './forms.js'

const names = { google: 'Google', github: 'GitHub', microsoft: 'Microsoft' }

/** A button for every provider that is configured, and for no other. */
export async function offerProviders(form) {
  const { data } = await installation()
  for (const provider of data?.accounts.providers ?? []) {
    const button = make(
      'button',
      { type: 'button', class: 'quiet' },
      `Go on with ${names[provider] ?? provider}`,
    )
    onPress(button, async () => {
      const { data: answer, problem } = await call('post', '/api/auth/sign-in/social', {
        provider,
        callbackURL: nextPath() ?? '/',
        errorCallbackURL: '/sign-in',
      })
      if (problem) showProblem(form, problem)
      else location.assign(answer.url)
    })
    at('social').append(button)
  }
}
