import { Face } from './Header.tsx'
import { useAway, useChat, useChatState, useWords } from './parts.tsx'
import { Text } from './Text.tsx'
import { useLogo, useTitle, useWho } from './who.ts'

/** What stands at the beginning without having been said: a greeting, when people are there, and what many ask. */
export function Welcome() {
  const chat = useChat()
  const words = useWords()
  const greeting = useChatState(state => state.greeting)
  const silent = useChatState(state => !state.talk || state.talk.messages.length === 0)
  const { agent, chatWindow, offlineMessage } = chat.boot.config
  const away = useAway()
  const who = useWho(agent && { kind: 'agent', id: agent.id })
  const logo = useLogo()
  const title = useTitle()
  const name = agent ? who.name : title
  const replies = words.own.quickReplies ?? chatWindow.quickReplies
  const nobody = away !== false && !agent
  const offline = words.own.offlineMessage ?? offlineMessage ?? words('nobody')
  const text = greeting?.text ?? words.own.welcome ?? agent?.welcome ?? words('welcome')
  // With something said, the greeting is a part of what was said.
  if (!silent && greeting) return null
  return (
    <div class="welcome">
      <article class="row first last" aria-label={name}>
        <Face name={name} picture={agent ? who.avatar : logo} size="small" />
        <div class="body">
          <p class="author">
            <bdi>{name}</bdi>
          </p>
          <div class="bubble">
            <Text text={nobody ? offline : text} citations={[]} />
          </div>
        </div>
      </article>
      {nobody && away && <p class="event">{words('opensAt', { time: words.soon(away) })}</p>}
      {silent && replies.length > 0 && (
        <div class="chips end">
          {replies.map(reply => (
            <button type="button" class="chip" key={reply} onClick={() => void chat.say(reply)}>
              <bdi>{reply}</bdi>
            </button>
          ))}
        </div>
      )}
    </div>
  )
}
