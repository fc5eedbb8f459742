import { useEffect, useState } from 'preact/hooks'
import { useAway, useChat, useChatState, useWords } from '../view/parts.tsx'
import { Email } from './Email.tsx'
import { Done } from './fields.tsx'

export const css = `
.card{margin-block:1em .3em;padding:.9em 1em;border:1px solid var(--line);border-radius:1em;font-size:.9375em}
.card p+p{margin-block-start:.3em;color:var(--muted)}
.card .form{margin-block-start:.8em}
`

/** How it looks in the line for people, honestly: with nobody there, a way to be written to in the place of a wait. */
export default function Waiting() {
  const chat = useChat()
  const words = useWords()
  const queue = useChatState(state => state.queue)
  const { offlineMessage } = chat.boot.config
  const away = useAway()
  const alone = queue ? !queue.staffed : away !== false
  if (alone)
    return (
      <div class="card">
        <p role="status">{words.own.offlineMessage ?? offlineMessage ?? words('nobody')}</p>
        {away && <p>{words('opensAt', { time: words.soon(away) })}</p>}
        <Leave />
      </div>
    )
  const minutes = Math.ceil((queue?.expectedSeconds ?? 0) / 60)
  return (
    <div class="card" role="status">
      <p>{queue?.position ? words('position', { position: queue.position }) : words('waiting')}</p>
      {queue?.expectedSeconds != null && (
        <p>{minutes <= 1 ? words('waitShort') : words('wait', { count: minutes })}</p>
      )}
    </div>
  )
}

/** Thanks are said when the server has it, and not before. */
function Leave() {
  const chat = useChat()
  const words = useWords()
  const online = useChatState(state => state.connection.status === 'online')
  const [waits, setWaits] = useState('')
  const [thanks, setThanks] = useState('')
  const submit = async (email: string): Promise<string> => {
    const answer = await chat.client.request('visitor.describe', { email })
    if (answer.ok) {
      // What the site has proved stays, and is where it goes.
      setThanks(answer.value.kept.includes('email') ? words('mailKnown') : words('mailSaved', { email }))
      return ''
    }
    if (!answer.error.retryable) return words(answer.error.code === 'invalid_request' ? 'badEmail' : 'wrong')
    // Sent even from another page, should this one end before there is a connection.
    await chat.about.describe({ email })
    setWaits(email)
    return ''
  }
  const submitAgain = async () => {
    // What was refused for good is to be written once more.
    if (await submit(waits)) setWaits('')
  }
  useEffect(() => {
    if (online && waits) void submitAgain()
  }, [online, waits])
  // An address that waits for a connection is no fault of whoever wrote it.
  if (thanks || waits) return <Done>{thanks || words('reconnecting')}</Done>
  return <Email id="leave" act={words('save')} submit={submit} />
}
