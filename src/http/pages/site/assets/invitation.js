import { call } from './api.js'
import { at, make, onPress, showStep } from './dom.js'
import { frame, signOut, whoAmI } from './session.js'
import { explain, roleName } from './words.js'

/** Kept from the mail's link until it is accepted: between the two may lie a sign-up, its mail and a sign-in, in several tabs. */
const kept = 'parley.invitation'

const token = takeToken()
addEventListener('hashchange', () => location.reload())

function takeToken() {
  const given = location.hash.slice(1)
  if (!given) return localStorage.getItem(kept)
  localStorage.setItem(kept, given)
  history.replaceState(null, '', location.pathname)
  return given
}

async function ask() {
  if (!token || !/^invite_[\w-]{23,}$/.test(token)) {
    localStorage.removeItem(kept)
    showStep('no-token')
    return
  }
  const me = await whoAmI()
  at('ask-body').replaceChildren(...(me ? offerToAccept(me) : offerToSignIn()))
}

function offerToAccept(me) {
  const accept = make('button', { type: 'button' }, 'Accept the invitation')
  onPress(accept, async () => {
    const { data, problem } = await call('post', '/api/v1/invitations/accept', { token })
    if (problem) {
      // Gone or accepted already: nothing is left to come back to.
      if (problem.status === 404 || problem.status === 409) localStorage.removeItem(kept)
      // What will not be different the next time is not offered again. An address can be confirmed meanwhile.
      if (!problem.retryable && problem.status !== 0 && problem.code !== 'email_unverified') accept.remove()
      say(problem.code === 'invalid_request' ? 'This is not the link of an invitation.' : explain(problem))
      return
    }
    localStorage.removeItem(kept)
    at('joined-name').textContent = data.tenantName
    at('joined-role').textContent = roleName(data.role)
    showStep('joined')
  })
  const other = make('button', { type: 'button', class: 'plain' }, 'Use another account')
  onPress(other, async () => {
    const problem = await signOut()
    if (problem) say(explain(problem))
    else location.assign('/sign-in?next=/invitation')
  })
  return [
    make('p', {}, 'You are signed in as ', make('strong', {}, me.email), '.'),
    make('div', { class: 'row' }, accept, other),
  ]
}

function offerToSignIn() {
  return [
    make('p', {}, 'Sign in with the address to which the invitation was sent; then you can accept it.'),
    make(
      'div',
      { class: 'row' },
      make('a', { class: 'button', href: '/sign-in?next=/invitation' }, 'Sign in'),
      make('a', { class: 'button quiet', href: '/sign-up?next=/invitation' }, 'Create an account'),
    ),
  ]
}

function say(text) {
  const alert = at('ask').querySelector('[data-alert]')
  at('ask').querySelector('[data-lead]').hidden = true
  alert.className = 'notice bad'
  alert.textContent = text
}

await Promise.all([frame(), ask()])
