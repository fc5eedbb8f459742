/** An element of the page that its script counts on. */
export function at(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`This page has no #${id}`)
  return found
}

/** A new element; text is set as text, never as markup. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children)
  return element
}

/** Shows one step of a page instead of its siblings, and moves the focus to its heading, so that nobody misses it. */
export function showStep(id) {
  const step = at(id)
  for (const sibling of step.parentElement.children) sibling.hidden = sibling !== step
  step.querySelector('h1')?.focus()
}

/** Runs an action once at a time; the button stays in place and keeps the focus meanwhile. */
export function onPress(button, act) {
  button.addEventListener('click', async () => {
    if (button.getAttribute('aria-disabled') === 'true') return
    button.setAttribute('aria-disabled', 'true')
    try {
      await act()
    } finally {
      button.removeAttribute('aria-disabled')
    }
  })
}

/** Where to go after signing in: a path on this server or nothing. */
export function nextPath() {
  const wanted = new URLSearchParams(location.search).get('next')
  if (!wanted?.startsWith('/')) return undefined
  const target = new URL(wanted, location.origin)
  return target.origin === location.origin ? target.pathname + target.search : undefined
}

export function keepNext() {
  const next = nextPath()
  if (next === undefined) return
  for (const link of document.querySelectorAll('a[data-keep-next]')) {
    link.search = new URLSearchParams({ next }).toString()
  }
}
