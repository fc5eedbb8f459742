import { explain, sentence } from './words.js'

/**
 * Sends a form by script: one sending at a time, faults at their fields, anything else where the lead stood, so that nothing moves.
 * `send` gets the values and answers the problem, if there is one.
 */
export function onSubmit(form, send) {
  const button = form.querySelector('button[type=submit]')
  // Off in the page itself, so that a form that is sent before its script is there goes nowhere.
  button.disabled = false
  form.addEventListener('submit', async event => {
    event.preventDefault()
    if (button.getAttribute('aria-disabled') === 'true') return
    clear(form)
    if (showFaults(form, emptyFields(form))) return
    button.setAttribute('aria-disabled', 'true')
    form.setAttribute('aria-busy', 'true')
    try {
      const problem = await send(valuesOf(form))
      if (problem) showProblem(form, problem)
    } finally {
      button.removeAttribute('aria-disabled')
      form.removeAttribute('aria-busy')
    }
  })
  for (const input of fieldsOf(form)) {
    input.addEventListener('input', () => setNote(input, undefined))
  }
}

const fieldsOf = form => [...form.querySelectorAll('.input')]

const emptyFields = form =>
  fieldsOf(form)
    .filter(input => input.required && input.value.trim() === '')
    .map(input => ({ path: input.name, message: 'must not be empty' }))

function valuesOf(form) {
  const values = {}
  for (const { name, type, checked, value } of form.elements) {
    if (name) values[name] = type === 'checkbox' ? checked : value
  }
  return values
}

export function showProblem(form, problem) {
  const shown = showFaults(form, problem.errors ?? [])
  if (!shown) say(form, explain(problem))
}

/** Says it in place of the lead; the form keeps its height. */
export function say(form, text, kind = 'bad') {
  const lead = form.querySelector('[data-lead]')
  const alert = form.querySelector('[data-alert]')
  lead.hidden = text !== ''
  alert.className = text === '' ? '' : `notice ${kind}`
  alert.textContent = text
}

/** Whether every fault found a field; the first of them gets the focus. */
function showFaults(form, faults) {
  const fields = fieldsOf(form)
  const known = faults.filter(({ path }) => fields.some(input => input.name === path))
  for (const { path, message } of [...known].reverse()) {
    const input = fields.find(({ name }) => name === path)
    setNote(input, sentence(message))
    input.focus()
  }
  return faults.length > 0 && known.length === faults.length
}

export function clear(form) {
  say(form, '')
  for (const input of fieldsOf(form)) setNote(input, undefined)
}

/** Shows a fault where the hint stands, or the hint again. */
function setNote(input, fault) {
  const note = document.getElementById(`${input.id}-note`)
  if (!note) return
  note.dataset.hint ??= note.textContent.trim()
  note.textContent = fault ?? note.dataset.hint
  note.classList.toggle('bad', fault !== undefined)
  if (fault === undefined) input.removeAttribute('aria-invalid')
  else input.setAttribute('aria-invalid', 'true')
}

export function revealPasswords() {
  for (const button of document.querySelectorAll('button[data-reveal]')) {
    const input = document.getElementById(button.dataset.reveal)
    button.addEventListener('click', () => {
      const shown = input.type === 'password'
      input.type = shown ? 'text' : 'password'
      button.textContent = shown ? 'Hide' : 'Show'
      button.setAttribute('aria-pressed', String(shown))
    })
  }
}
