import { useEffect, useState } from 'preact/hooks'
import { Icon, useChat, useChatState, useWords } from '../view/parts.tsx'
import { Done } from './fields.tsx'
import { useKeptForm } from './keptForm.ts'

const star = 'M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9-4.3-4.1 5.9-.8z'

export const css = `
.stars{display:flex;gap:.15em;margin-block:.5em;border:0;padding:0}
.stars legend{padding:0}
.stars label{position:relative;display:grid;place-items:center;width:2.5em;height:2.5em;border-radius:.7em;cursor:pointer;color:var(--muted)}
.stars input{position:absolute;inset:0;opacity:0;cursor:pointer;width:100%;height:100%}
.stars .on{color:var(--ink)}.stars .on svg{fill:currentColor}
.stars svg{width:1.6em;height:1.6em}
.stars label:focus-within{outline:2px solid var(--ink);outline-offset:-2px}
.rate textarea{resize:vertical;min-height:4.5em}
.rate .chips{margin-block-start:.8em}
`

/** After the end: how it was, and a new beginning. */
export default function Rating() {
  const chat = useChat()
  const words = useWords()
  const conversationId = useChatState(state => state.talk?.id)
  const { rated, saved, rate, known } = useRating(conversationId)
  const { rating: wanted, transcript } = chat.boot.config.chatWindow
  return (
    <div class="card rate">
      {wanted &&
        known &&
        conversationId &&
        (saved === 'before' ? (
          <p>{words('thanks')}</p>
        ) : saved ? (
          <Done>{words('thanks')}</Done>
        ) : (
          <Form key={conversationId} id={conversationId} rated={rated} rate={rate} />
        ))}
      <div class="chips">
        <button type="button" class="chip" onClick={() => chat.talks.begin()}>
          <Icon name="plus" />
          {words('newChat')}
        </button>
        {transcript && (
          <button type="button" class="chip" onClick={() => chat.show({ name: 'transcript' })}>
            <Icon name="mail" />
            {words('sendTranscript')}
          </button>
        )}
      </div>
    </div>
  )
}

type Rate = (rating: number, comment: string) => Promise<boolean>

function useRating(conversationId: string | null | undefined) {
  const chat = useChat()
  const words = useWords()
  const online = useChatState(state => state.connection.status === 'online')
  const [rated, setRated] = useState(0)
  const [saved, setSaved] = useState<false | 'before' | 'now'>(false)
  const [known, setKnown] = useState(true)
  useEffect(() => {
    if (!conversationId || !online) return
    chat.client.request('rating.read', { conversationId }).then(answer => {
      // An older server takes no ratings.
      if (!answer.ok) return setKnown(answer.error.code !== 'unknown_command')
      if (answer.value.rating === null) return
      setRated(answer.value.rating)
      setSaved('before')
    }, chat.fail)
  }, [chat, conversationId, online])
  const rate: Rate = async (rating, comment) => {
    if (!conversationId) return false
    const input = { conversationId, rating, ...(comment.trim() && { comment: comment.trim() }) }
    const answer = await chat.client.request('rating.set', input)
    if (answer.ok) {
      setSaved('now')
      chat.boot.tell({ type: 'rated', rating })
    } else chat.store.set({ notice: words('wrong') })
    return answer.ok
  }
  return { rated, saved, rate, known }
}

interface FormProps {
  readonly id: string
  readonly rated: number
  readonly rate: Rate
}

function Form({ id, rated, rate }: FormProps) {
  const words = useWords()
  const { values, write, sent } = useKeptForm(`rating/${id}`)
  const rating = Number(values.rating ?? rated)
  const comment = String(values.comment ?? '')
  return (
    <form
      onSubmit={event => {
        event.preventDefault()
        void rate(rating, comment).then(done => done && sent())
      }}
    >
      <fieldset class="stars">
        <legend class="label">{words('rate')}</legend>
        {[1, 2, 3, 4, 5].map(count => (
          <label key={count} class={count <= rating ? 'on' : ''}>
            <input
              type="radio"
              name="rating"
              value={count}
              checked={count === rating}
              aria-label={words('stars', { count })}
              onChange={() => write('rating', count)}
            />
            <Icon name={star} />
          </label>
        ))}
      </fieldset>
      {rating > 0 && (
        <div class="form">
          <label class="label">
            {words('comment')}
            <textarea
              class="field"
              maxLength={2_000}
              dir="auto"
              value={comment}
              onInput={event => write('comment', event.currentTarget.value)}
            />
          </label>
          <button type="submit" class="button">
            {words('send')}
          </button>
        </div>
      )}
    </form>
  )
}
