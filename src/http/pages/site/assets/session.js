import { call, installation } from './api.js'
import { at, make } from './dom.js'

let asked

/** Who is signed in here, or undefined. Asked only where the server has seen a session cookie. */
export function whoAmI() {
  const hinted = document.cookie.split('; ').includes('parley.hint=1')
  asked ??= hinted ? call('get', '/api/v1/me').then(({ data }) => data) : Promise.resolve(undefined)
  return asked
}

export async function signOut() {
  const { problem } = await call('post', '/api/auth/sign-out')
  // Whoever has no valid session any more is signed out already.
  return problem?.status === 401 ? undefined : problem
}

/** The name at the top of every page, and the version at its foot. */
export async function frame() {
  // A page that comes back from the browser's memory may show somebody who has signed out since.
  addEventListener('pageshow', event => {
    if (event.persisted) location.reload()
  })
  const [me, status] = await Promise.all([whoAmI(), installation()])
  if (me) {
    const initial = make(
      'span',
      { class: 'person', 'aria-hidden': 'true' },
      me.name.slice(0, 1).toUpperCase(),
    )
    const own = location.pathname === '/account'
    at('whoami').replaceChildren(
      make('a', { href: '/account', 'aria-current': own && 'page' }, initial, me.name),
    )
  }
  if (status.data) at('version').textContent = `Parley ${status.data.version}`
}
