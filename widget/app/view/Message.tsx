import type { Message } from '../../../src/client/index.ts'
import { typed } from '../markdown/inline.tsx'
import { settle } from '../markdown/unfinished.ts'
import { filesOf } from '../state/said.ts'
import type { Words } from '../state/words.ts'
import { Delivery } from './Delivery.tsx'
import { Face } from './Header.tsx'
import { Attached, memo, useChat } from './parts.tsx'
import { SystemEvent } from './SystemEvent.tsx'
import { citationsOf, Sources, Text } from './Text.tsx'
import { useWho } from './who.ts'

interface RowProps {
  readonly message: Message
  readonly words: Words
  /** Of those that stand together. */
  readonly first: boolean
  readonly last: boolean
  readonly newDay: boolean
}

export const MessageRow = memo(({ newDay, ...props }: RowProps) => (
  <>
    {newDay && <p class="day">{props.words.day(props.message.createdAt)}</p>}
    {props.message.type === 'system_event' ? (
      <SystemEvent message={props.message} />
    ) : props.message.delivery === null ? (
      <Other {...props} />
    ) : (
      <Own {...props} />
    )}
  </>
))

type Said = Omit<RowProps, 'newDay'>

const classOf = ({ first, last }: Said, more = ''): string =>
  `row${more}${first ? ' first' : ''}${last ? ' last' : ''}`

function Own(said: Said) {
  const { message, words } = said
  return (
    <article class={classOf(said, ' own')} aria-label={`${words('you')}, ${words.time(message.createdAt)}`}>
      <div class="body">
        <Content message={message} words={words} />
        <Delivery {...said} />
      </div>
    </article>
  )
}

function Other(said: Said) {
  const { message, words, first, last } = said
  const who = useWho(message.sender)
  return (
    <article class={classOf(said)} aria-label={`${who.name}, ${words.time(message.createdAt)}`}>
      {first ? <Face name={who.name} picture={who.avatar} size="small" /> : <div class="face small gap" />}
      <div class="body">
        {first && (
          <p class="author">
            <bdi>{who.name}</bdi>
          </p>
        )}
        <Content message={message} words={words} />
        {last && (
          <p class="meta">
            <time dateTime={message.createdAt}>{words.time(message.createdAt)}</time>
            {message.edited && <span>{words('edited')}</span>}
          </p>
        )}
      </div>
    </article>
  )
}

/** Somebody stopped it, or it became too long: it may end within what was opened. */
const cutShort = ({ parts }: Message): boolean =>
  parts.some(({ type, finishReason }) => type === 'answer' && finishReason !== 'stop')

function Content({ message, words }: Pick<Said, 'message' | 'words'>) {
  const chat = useChat()
  if (message.deleted) return <div class="bubble gone">{words('deleted')}</div>
  const files = filesOf(message)
  const citations = citationsOf(message.parts)
  const open = (chunkId: string, title: string) => {
    if (message.id) chat.show({ name: 'citation', messageId: message.id, chunkId, title })
  }
  return (
    <>
      {message.text.trim() && (
        <div class="bubble">
          {message.delivery !== null ? (
            <div class="md plain" dir="auto">
              {typed(message.text)}
            </div>
          ) : (
            <Text text={cutShort(message) ? settle(message.text) : message.text} {...{ citations, open }} />
          )}
        </div>
      )}
      {files.map(part => (
        <Attached key={String(part.fileId)} part={part} words={words} />
      ))}
      {citations.length > 0 && <Sources citations={citations} open={open} words={words} />}
    </>
  )
}
