import { useEffect, useRef, useState } from 'preact/hooks'
import type { Message } from '../../../src/client/index.ts'
import type { Words } from '../state/words.ts'
import { MessageRow } from './Message.tsx'
import { memo } from './parts.tsx'
import type { Near } from './scroll.ts'

export interface BlockProps {
  readonly id: number
  readonly messages: readonly Message[]
  /** The last one of the block before, and the first one of that after. */
  readonly before: Message | undefined
  readonly after: Message | undefined
  readonly words: Words
  readonly near: Near
}

/** Some messages; nothing but their height while they are far from what is on the screen. */
export const Block = memo(({ messages, before, after, words, near }: BlockProps) => {
  const element = useRef<HTMLDivElement>(null)
  const height = useRef(0)
  const [drawn, draw] = useState(true)
  useEffect(() => {
    const block = element.current
    if (!block) return
    return near(block, isNear => {
      if (!isNear && !block.contains((block.getRootNode() as ShadowRoot).activeElement)) {
        height.current = block.offsetHeight
        draw(false)
      } else draw(true)
    })
  }, [near])
  return (
    <div class="block" ref={element} style={drawn ? undefined : { height: `${height.current}px` }}>
      {drawn &&
        messages.map((message, at) => (
          <MessageRow
            key={message.key}
            message={message}
            words={words}
            {...placeOf(messages[at - 1] ?? before, message, messages[at + 1] ?? after)}
          />
        ))}
    </div>
  )
})

const minutesApart = (a: Message, b: Message): number =>
  Math.abs(Date.parse(b.createdAt) - Date.parse(a.createdAt)) / 60_000

const dayOf = ({ createdAt }: Message): string => new Date(createdAt).toDateString()

/** Whether two stand together: the same person, one soon after the other. */
const together = (a: Message | undefined, b: Message | undefined): boolean =>
  a !== undefined &&
  b !== undefined &&
  a.type !== 'system_event' &&
  b.type !== 'system_event' &&
  (a.delivery === null) === (b.delivery === null) &&
  a.sender?.id === b.sender?.id &&
  minutesApart(a, b) < 5 &&
  dayOf(a) === dayOf(b)

function placeOf(before: Message | undefined, message: Message, after: Message | undefined) {
  return {
    first: !together(before, message),
    last: !together(message, after),
    newDay: before === undefined || dayOf(before) !== dayOf(message),
  }
}
