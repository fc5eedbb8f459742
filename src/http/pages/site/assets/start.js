import { call, installation } from './api.js'
import { at, make, onPress } from './dom.js'
import { offerToFound } from './foundWorkspace.js'
import { frame, signOut, whoAmI } from './session.js'
import { explain, landing, roleName } from './words.js'

sayHowTheyLanded()

/** A link in a mail ends here; whatever it has to say is said once. */
function sayHowTheyLanded() {
  const error = new URLSearchParams(location.search).get('error')
  if (error === null) return
  const notice = at('landing')
  notice.textContent = landing(error)
  notice.classList.add('bad')
  notice.hidden = false
  notice.focus()
  history.replaceState(null, '', location.pathname)
}

async function showYou() {
  const me = await whoAmI()
  at('you').setAttribute('aria-busy', 'false')
  at('you-body').replaceChildren(...(me ? signedIn(me) : await signedOut()))
  if (!me) return
  const begin = at('begin')
  begin.href = '/account'
  begin.textContent = 'Your account'
}

function signedIn(me) {
  const said = make('div', { role: 'alert' })
  const button = make('button', { type: 'button', class: 'quiet' }, 'Sign out')
  onPress(button, async () => {
    const problem = await signOut()
    if (problem) said.textContent = explain(problem)
    else location.assign('/')
  })
  return [
    make(
      'p',
      {},
      'Signed in as ',
      make('strong', {}, me.name),
      make('br'),
      make('span', { class: 'soft' }, me.email),
    ),
    me.memberships.length === 0
      ? offerToFound()
      : make('ul', { class: 'places', 'aria-label': 'Your workspaces' }, ...me.memberships.map(place)),
    said,
    make('div', { class: 'row' }, button, make('a', { href: '/account' }, 'Your account')),
  ]
}

const place = ({ tenantName, slug, role, status }) =>
  make(
    'li',
    {},
    make('span', {}, make('strong', {}, tenantName), make('br'), make('span', { class: 'soft small' }, slug)),
    make(
      'span',
      { class: status === 'active' ? 'mark good' : 'mark' },
      status === 'active' ? roleName(role) : status,
    ),
  )

async function signedOut() {
  const { data } = await installation()
  const open = data?.accounts.signUp ?? true
  at('begin').hidden = !open
  return [
    make('p', {}, 'You are not signed in.'),
    make(
      'p',
      { class: 'soft' },
      'With an account you join the workspaces you are invited to, and try the API as yourself.',
    ),
    make(
      'div',
      { class: 'row' },
      make('a', { class: 'button', href: '/sign-in' }, 'Sign in'),
      ...(open ? [make('a', { class: 'button quiet', href: '/sign-up' }, 'Create an account')] : []),
    ),
    ...(data?.demoLogin
      ? [
          make(
            'p',
            { class: 'soft' },
            'There is a demo workspace: its login stands in the terminal where Parley was started.',
          ),
        ]
      : []),
  ]
}

async function showInstallation() {
  const { data, problem } = await installation()
  if (problem) {
    const detail = make('dd', { class: 'detail' }, explain(problem))
    at('parts').replaceChildren(make('div', {}, make('dt', {}, 'Unknown'), detail))
    return
  }
  at('parts').replaceChildren(
    ...data.parts.map(({ name, state, detail }) =>
      make(
        'div',
        {},
        make('dt', {}, name),
        make(
          'dd',
          { class: 'state' },
          make('span', { class: state === 'not configured' ? 'mark' : 'mark good' }, state),
        ),
        make('dd', { class: 'detail' }, detail),
      ),
    ),
  )
  for (const door of data.doors) openDoor(document.querySelector(`[data-door="${door}"]`))
}

function openDoor(card) {
  if (!card) return
  const title = card.querySelector('h3')
  title.replaceChildren(make('a', { href: card.dataset.href }, title.textContent))
  const mark = card.querySelector('.mark')
  mark.className = 'mark good'
  mark.textContent = 'Ready'
}

async function showHealth() {
  const { problem } = await call('get', '/readyz')
  const mark = at('health')
  mark.textContent = problem ? 'Not ready' : 'Ready'
  mark.classList.add(problem ? 'bad' : 'good')
}

await Promise.all([frame(), showYou(), showInstallation(), showHealth()])
