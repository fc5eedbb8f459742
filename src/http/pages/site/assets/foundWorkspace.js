import { call } from './api.js'
import { at } from './dom.js'
import { onSubmit } from './forms.js'

/** The form for whoever belongs to no workspace yet; the address follows the name until somebody writes one. */
export function offerToFound() {
  const form = at('found').content.firstElementChild.cloneNode(true)
  const { name, slug } = form.elements
  let own = false
  slug.addEventListener('input', () => {
    own = slug.value !== ''
  })
  name.addEventListener('input', () => {
    if (!own) slug.value = addressOf(name.value)
  })
  onSubmit(form, async values => {
    const { problem } = await call('post', '/api/v1/tenants', values)
    if (problem) return problem
    location.assign('/')
  })
  return form
}

const addressOf = name =>
  name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
    .replaceAll(' ', '-')
    .slice(0, 63)
