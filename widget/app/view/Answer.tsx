import { settle } from '../markdown/unfinished.ts'
import { Face } from './Header.tsx'
import { Icon, useChat, useChatState, useWords } from './parts.tsx'
import { Text } from './Text.tsx'
import { useWho } from './who.ts'

const Dots = () => (
  <span class="dots" aria-hidden="true">
    <i />
    <i />
    <i />
  </span>
)

/** What is on its way: an agent's answer as far as it is written, or that somebody types. */
export function Answer() {
  const answer = useChatState(state => state.talk?.answer)
  const typing = useChatState(state => state.talk?.typing[0])
  const words = useWords()
  const who = useWho(answer ? { kind: 'agent', id: answer.agentId } : (typing ?? null))
  if (!answer && !typing) return null
  const over = answer && answer.state !== 'searching' && answer.state !== 'writing'
  return (
    <article class="row first last" aria-label={words(answer ? 'writing' : 'typing', { name: who.name })}>
      <Face name={who.name} picture={who.avatar} size="small" />
      <div class="body">
        <p class="author">
          <bdi>{who.name}</bdi>
        </p>
        <div class="bubble">
          {answer?.text ? (
            <Text text={settle(answer.text)} citations="unknown" />
          ) : (
            <span class="state">
              <Dots />
              {answer?.state === 'searching' && words('searching')}
            </span>
          )}
        </div>
        {answer && !over && <Stop />}
      </div>
    </article>
  )
}

function Stop() {
  const chat = useChat()
  const words = useWords()
  return (
    <div class="chips">
      <button
        type="button"
        class="chip"
        onClick={() => {
          chat.toComposer()
          void chat.talk?.stop()
        }}
      >
        <Icon name="stop" />
        {words('stop')}
      </button>
    </div>
  )
}
