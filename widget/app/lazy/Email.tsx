import { useState } from 'preact/hooks'
import { useWords } from '../view/parts.tsx'
import { faultOf, isEmail, Labelled } from './fields.tsx'
import { useKeptForm } from './keptForm.ts'

interface EmailProps {
  readonly id: string
  readonly act: string
  /** Ends with what went wrong, if something did. */
  submit(email: string): Promise<string>
}

export function Email({ id, act, submit }: EmailProps) {
  const words = useWords()
  const { values, write, sent } = useKeptForm(id)
  const email = String(values.email ?? '')
  const [wrong, setWrong] = useState('')
  const [busy, setBusy] = useState(false)
  const send = async () => {
    const fine = isEmail(email)
    setWrong(fine ? '' : words('badEmail'))
    if (!fine) return
    setBusy(true)
    const fault = await submit(email.trim())
    setWrong(fault)
    setBusy(false)
    if (!fault) sent()
  }
  return (
    <form
      class="form"
      noValidate
      onSubmit={event => {
        event.preventDefault()
        if (!busy) void send()
      }}
    >
      <Labelled id={id} label={words('email')} wrong={wrong}>
        <input
          id={id}
          class="field"
          type="email"
          autocomplete="email"
          dir="ltr"
          value={email}
          onInput={event => write('email', event.currentTarget.value)}
          {...faultOf(id, wrong)}
        />
      </Labelled>
      <button type="submit" class="button" aria-disabled={busy}>
        {act}
      </button>
    </form>
  )
}
