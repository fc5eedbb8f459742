import { Icon, undirected, useChat, useChatState, useWords } from '../view/parts.tsx'
import { useAsked } from './asked.tsx'

export const css = `
.past{display:grid;gap:.5em;list-style:none}
.past button{display:block;width:100%;padding:.8em 1em;border:1px solid var(--line);border-radius:.9em}
.past button:hover,.past [aria-current=true]{background:var(--soft)}
.past b{display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden;font-weight:500;font-size:.9375em;overflow-wrap:anywhere}
.past small{display:flex;gap:.6em;margin-block-start:.2em;font-size:.8125em;color:var(--muted)}
.past .new{color:var(--ink);font-weight:600}
.inside>button.button{width:100%;margin-block-end:1em}
`

/** What was talked about before, the latest first. */
export default function Past() {
  const chat = useChat()
  const words = useWords()
  const current = useChatState(state => state.talk?.id)
  const [answer, instead] = useAsked(() => chat.client.request('conversation.list', {}), words('connecting'))
  const go = (id: string | null) => {
    chat.talks.choose(id === null ? null : { id })
    chat.show(undefined)
  }
  if (!answer?.ok) return instead
  const lines = answer.value.conversations.filter(({ head }) => head > 0)
  return (
    <>
      <button type="button" class="button" onClick={() => go(null)}>
        <Icon name="plus" />
        {words('newChat')}
      </button>
      {lines.length === 0 && <p>{words('noPast')}</p>}
      <ul class="past">
        {lines.map(({ id, title, preview, lastMessageAt, startedAt, unread }) => (
          <li key={id}>
            <button type="button" aria-current={id === current} onClick={() => go(id)}>
              <b dir="auto">{undirected(title ?? preview) || words('messages')}</b>
              <small>
                <span>{words.day(lastMessageAt ?? startedAt)}</span>
                {unread > 0 && id !== current && (
                  <span class="new">{words('unread', { count: unread > 99 ? '99+' : unread })}</span>
                )}
              </small>
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}
