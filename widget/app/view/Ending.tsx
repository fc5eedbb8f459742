import type { ConversationSnapshot } from '../../../src/client/index.ts'
import { Form, Icon, useChat, useChatState, useWords } from './parts.tsx'

/** What can be done next, where the conversation stands now. */
export function Ending() {
  const owner = useChatState(state => state.talk?.conversation?.owner)
  const status = useChatState(state => state.talk?.conversation?.status)
  const answered = useChatState(state => canAskPerson(state.talk))
  if (status === 'resolved') return <Form form="rating" />
  if (owner === 'queue') return <Form form="waiting" />
  return answered ? <Next /> : null
}

const canAskPerson = (talk: ConversationSnapshot | undefined): boolean =>
  talk?.conversation?.owner === 'ai' && !talk.answer && talk.messages.at(-1)?.sender?.kind === 'agent'

function Next() {
  const chat = useChat()
  const words = useWords()
  return (
    <div class="chips">
      <button type="button" class="chip" onClick={() => void chat.callPerson()}>
        <Icon name="person" />
        {words('person')}
      </button>
      <button
        type="button"
        class="chip"
        onClick={() => {
          chat.toComposer()
          void chat.talk?.regenerate()
        }}
      >
        <Icon name="again" />
        {words('regenerate')}
      </button>
    </div>
  )
}
