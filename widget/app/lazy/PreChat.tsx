import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { FormField } from '../../../src/protocol/index.ts'
import type { FormValues } from '../state/state.ts'
import type { Words } from '../state/words.ts'
import { useChat, useWords } from '../view/parts.tsx'
import { faultOf, isEmail, Labelled } from './fields.tsx'
import { useKeptForm } from './keptForm.ts'

export const css = `
.pre{flex:1;min-height:0;overflow:auto;padding:1.2em 1.1em}
.pre>p{margin-block-end:1.1em}
.pre .check{display:flex;align-items:flex-start;gap:.6em;font-size:.9375em}
.pre .check input{flex:none;width:1.25em;height:1.25em;margin-block-start:.12em;accent-color:var(--ink)}
.pre a{color:var(--ink);text-decoration:underline}
.pre small{font-size:.875em;font-weight:400;color:var(--muted)}
.pre textarea.field{min-height:5em;resize:vertical}
`

const own = ['name', 'email', 'phone'] as const
type Own = (typeof own)[number]
const isOwn = (name: string): name is Own => (own as readonly string[]).includes(name)

/** What the tenant wants to know before the first message. */
export default function PreChat() {
  const chat = useChat()
  const words = useWords()
  const { fields, intro, consent } = chat.boot.config.preChatForm
  const { values, write, sent } = useKeptForm('preChat')
  const [tried, setTried] = useState(false)
  const form = useRef<HTMLFormElement>(null)
  useLayoutEffect(() => form.current?.querySelector<HTMLElement>('input,select,textarea,button')?.focus(), [])
  const wrong = (field: FormField) => (tried ? faultIn(field, values[field.name], words) : '')
  const submit = () => {
    setTried(true)
    const fine = fields.every(field => !faultIn(field, values[field.name], words))
    if (fine && (!consent || values[agreed])) void begin()
    else requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid]')?.focus())
  }
  const begin = async () => {
    await chat.about.describe(descriptionOf(fields, values))
    await chat.kept.set('introduced', true)
    chat.store.set({ introduced: true })
    sent()
  }
  const introduction = words.own.intro ?? intro
  return (
    <div class="pre">
      {introduction && <p dir="auto">{introduction}</p>}
      <form
        class="form"
        noValidate
        ref={form}
        onSubmit={event => {
          event.preventDefault()
          submit()
        }}
      >
        {fields.map(field => (
          <Field
            key={field.name}
            {...{ field, words }}
            value={values[field.name]}
            wrong={wrong(field)}
            set={write}
          />
        ))}
        {consent && (
          <Consent value={values[agreed] === true} missing={tried && !values[agreed]} set={write} />
        )}
        <button type="submit" class="button">
          {words('start')}
        </button>
      </form>
    </div>
  )
}

/** No field can be called this. */
const agreed = '?agreed'

function descriptionOf(fields: readonly FormField[], values: FormValues) {
  const given = fields.flatMap(({ name }) => {
    const value = values[name]
    return value === undefined || value === ''
      ? []
      : [[name, typeof value === 'string' ? value.trim() : value]]
  })
  const named = Object.fromEntries(given.filter(([name]) => isOwn(String(name))))
  return { ...named, attributes: Object.fromEntries(given.filter(([name]) => !isOwn(String(name)))) }
}

function faultIn(
  { type, name, required }: FormField,
  value: FormValues[string] | undefined,
  words: Words,
): string {
  const missing = value === undefined || value === false || (typeof value === 'string' && !value.trim())
  if (missing) return required ? words('needed') : ''
  return (type === 'email' || name === 'email') && !isEmail(String(value)) ? words('badEmail') : ''
}

interface FieldProps {
  readonly field: FormField
  readonly words: Words
  readonly value: FormValues[string] | undefined
  readonly wrong: string
  set(name: string, value: string | boolean): void
}

const completions: Readonly<Record<string, string>> = { name: 'name', email: 'email', phone: 'tel' }

function Field({ field, words, value, wrong, set }: FieldProps) {
  const { name, type, required, options = [] } = field
  const id = `field-${name}`
  const title = words.own.labels?.[name] ?? field.label ?? (isOwn(name) ? words(name) : name)
  const common = { id, required, 'aria-required': required, ...faultOf(id, wrong) }
  if (type === 'checkbox')
    return (
      <div>
        <label class="check">
          <input
            type="checkbox"
            {...common}
            checked={value === true}
            onChange={event => set(name, event.currentTarget.checked)}
          />
          <span>{title}</span>
        </label>
        {wrong && (
          <p class="wrong" id={`${id}-wrong`} role="alert">
            {wrong}
          </p>
        )}
      </div>
    )
  const text = String(value ?? '')
  const label = (
    <>
      {title} {!required && <small>({words('optional')})</small>}
    </>
  )
  const write = (event: { readonly currentTarget: { readonly value: string } }) =>
    set(name, event.currentTarget.value)
  const kind =
    type === 'phone' || name === 'phone' ? 'tel' : type === 'email' || name === 'email' ? 'email' : 'text'
  return (
    <Labelled id={id} label={label} wrong={wrong}>
      {type === 'select' ? (
        <select class="field" {...common} value={text} onChange={write}>
          <option value="">{words('choose')}</option>
          {options.map(option => (
            <option key={option}>{option}</option>
          ))}
        </select>
      ) : type === 'paragraph' ? (
        <textarea class="field" {...common} maxLength={500} dir="auto" value={text} onInput={write} />
      ) : (
        <input
          class="field"
          {...common}
          type={kind as 'text'}
          maxLength={kind === 'tel' ? 40 : 200}
          dir={kind === 'text' ? 'auto' : 'ltr'}
          autocomplete={completions[name] ?? 'off'}
          value={text}
          onInput={write}
        />
      )}
    </Labelled>
  )
}

interface ConsentProps {
  readonly value: boolean
  readonly missing: boolean
  set(name: string, value: boolean): void
}

function Consent({ value, missing, set }: ConsentProps) {
  const words = useWords()
  const { consent } = useChat().boot.config.preChatForm
  const wrong = missing ? words('needed') : ''
  return (
    <div>
      <label class="check">
        <input
          type="checkbox"
          id="consent"
          checked={value}
          aria-required="true"
          {...faultOf('consent', wrong)}
          onChange={event => set(agreed, event.currentTarget.checked)}
        />
        <span>
          {words.own.consent ?? consent?.text}{' '}
          {consent?.url && (
            <a href={consent.url} target="_blank" rel="noopener noreferrer">
              {words('learnMore')}
            </a>
          )}
        </span>
      </label>
      {wrong && (
        <p class="wrong" id="consent-wrong" role="alert">
          {wrong}
        </p>
      )}
    </div>
  )
}
