import type { Message, Delivery as State } from '../../../src/client/index.ts'
import type { Words } from '../state/words.ts'
import { Icon, type IconName, useChat } from './parts.tsx'

const icons: Readonly<Record<State, IconName>> = {
  ...{
    queued: 'clock',
    sent: 'clock',
    stored: 'check',
    delivered: 'checks',
    read: 'checks',
    failed: 'alert',
  },
}

export const isFailed = ({ failure, delivery }: Message): boolean => !!failure || delivery === 'failed'

interface DeliveryProps {
  readonly message: Message
  readonly words: Words
  readonly last: boolean
}

/** How far what the visitor wrote has come: for eyes under the last of several, for screen readers under each. */
export function Delivery({ message, words, last }: DeliveryProps) {
  const chat = useChat()
  const { talk } = chat
  const state = isFailed(message) ? 'failed' : message.delivery
  if (!state) return null
  const waits = state === 'queued' || state === 'failed'
  if (!last && !waits) return <span class="hidden">{words(state)}</span>
  return (
    <div class="meta">
      {state === 'failed' ? (
        <>
          <span class="bad">{words('failed')}</span>
          <button type="button" class="link" onClick={() => talk?.retry(message.clientId)}>
            {words('retry')}
          </button>
          <button type="button" class="link" onClick={() => talk?.discard(message.clientId)}>
            {words('discard')}
          </button>
        </>
      ) : (
        <>
          {message.edited && <span>{words('edited')}</span>}
          {state === 'queued' ? (
            <span>{words('queued')}</span>
          ) : (
            <>
              <time dateTime={message.createdAt}>{words.time(message.createdAt)}</time>
              {/* What tells read from delivered is not its colour alone. */}
              <span class={state === 'read' ? '' : 'hidden'}>{words(state)}</span>
            </>
          )}
          <span class={state === 'read' ? 'seen' : ''} title={words(state)}>
            <Icon name={icons[state]} />
          </span>
        </>
      )}
    </div>
  )
}
