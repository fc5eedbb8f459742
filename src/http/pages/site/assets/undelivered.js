import { call } from './api.js'
import { at, make, onPress } from './dom.js'
import { frame, whoAmI } from './session.js'
import { explain, moment } from './words.js'

const refreshMs = 15_000
let next

async function open() {
  const me = await whoAmI()
  if (!me) {
    location.replace('/sign-in?next=/undelivered')
    return
  }
  const places = me.memberships.filter(({ status }) => status === 'active')
  at('workspace').append(...places.map(({ slug, tenantName }) => make('option', { value: slug }, tenantName)))
  at('choice').hidden = places.length < 2
  if (places.length === 0) {
    at('undelivered-said').textContent = 'You belong to no workspace yet.'
    return
  }
  await show()
  setInterval(() => {
    if (!document.hidden && !atOlder) void show()
  }, refreshMs)
}

/** While somebody reads further down, the list stays as it is. */
let atOlder = false

async function show() {
  atOlder = false
  next = undefined
  await read(items => at('undelivered').replaceChildren(...items))
}

async function read(place) {
  const query = new URLSearchParams({ limit: 25, ...(next ? { cursor: next } : {}) })
  const headers = { 'parley-tenant': at('workspace').value }
  const { data, problem } = await call('get', `/api/v1/undelivered?${query}`, undefined, headers)
  if (problem) {
    at('undelivered-said').textContent = explain(problem)
    return
  }
  place(data.items.map(entry))
  next = data.nextCursor
  at('more').hidden = next === null
  const count = at('undelivered').children.length
  at('undelivered-said').textContent =
    count === 0 ? 'Everybody has received everything.' : `As of ${moment(new Date().toISOString())}.`
}

function entry({ contactName, contactEmail, title, messages, since, lastText, status }) {
  const who = contactName ?? contactEmail ?? title ?? 'A visitor'
  const waiting = `${messages} ${messages === 1 ? 'message' : 'messages'} since ${moment(since)}`
  return make(
    'li',
    {},
    make(
      'div',
      {},
      make('strong', {}, who),
      make('div', {}, lastText),
      make('div', { class: 'soft small' }, waiting),
    ),
    make('span', { class: 'mark' }, status),
  )
}

onPress(at('again'), show)
onPress(at('more'), () => {
  atOlder = true
  return read(items => at('undelivered').append(...items))
})
at('workspace').addEventListener('change', show)

await Promise.all([frame(), open()])
