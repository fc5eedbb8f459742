import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { Message } from '../../../src/client/index.ts'
import { Answer } from './Answer.tsx'
import { Block, type BlockProps } from './Block.tsx'
import { Ending } from './Ending.tsx'
import { Icon, useChat, useChatState, useWords } from './parts.tsx'
import { useScroll } from './scroll.ts'
import { Welcome } from './Welcome.tsx'

const none: readonly Message[] = []
const perBlock = 40
/** Nearer to the beginning than this, what is older is fetched. */
const nearTopPx = 1_200

export function Messages() {
  const chat = useChat()
  const words = useWords()
  const messages = useChatState(state => state.talk?.messages ?? none)
  const hasOlder = useChatState(state => state.talk?.hasOlder ?? false)
  const live = useChatState(state => state.talk?.live ?? false)
  const log = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const { away, toEnd, near } = useScroll(log, content)
  const blocks = useBlocks(messages)
  const older = () => {
    if (hasOlder && live && (log.current?.scrollTop ?? Infinity) < nearTopPx) void chat.talk?.loadOlder()
  }
  useEffect(older, [messages, hasOlder, live])
  const last = messages.at(-1)
  // What one says oneself is what one wants to see.
  useEffect(() => {
    if (last?.delivery) toEnd()
  }, [last?.key])
  return (
    <>
      <div
        class="log"
        role="log"
        aria-live="off"
        aria-label={words('messages')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
        tabIndex={0}
        ref={log}
        onScroll={older}
      >
        <div class="content" ref={content}>
          {hasOlder ? <p class="day">{words('earlier')}</p> : <Welcome />}
          {blocks.map(block => (
            <Block key={block.id} {...block} words={words} near={near} />
          ))}
          <Answer />
          <Ending />
        </div>
      </div>
      {away && (
        <Latest
          onClick={() => {
            toEnd()
            log.current?.focus()
          }}
        />
      )}
    </>
  )
}

function Latest({ onClick }: { onClick(): void }) {
  const words = useWords()
  return (
    <div class="latestAt">
      <button type="button" class="latest" onClick={onClick}>
        <Icon name="down" />
        {words('latest')}
      </button>
    </div>
  )
}

type Blocks = readonly Pick<BlockProps, 'id' | 'messages' | 'before' | 'after'>[]

const isShown = ({ type }: Message): boolean => type !== 'tool' && type !== 'note'

/**
 * The messages in blocks of one part of the log each, so that what is far away need not be drawn. A block that has not changed is the same
 * array as before.
 */
function useBlocks(messages: readonly Message[]): Blocks {
  const kept = useRef<ReadonlyMap<number, readonly Message[]>>(new Map())
  return useMemo(() => {
    const grouped = new Map<number, Message[]>()
    let id = 0
    for (const message of messages) {
      if (!isShown(message)) continue
      // What has no place in the log yet stands behind all that has.
      if (message.seq !== null) id = Math.max(id, Math.floor(message.seq / perBlock))
      const block = grouped.get(id)
      if (block) block.push(message)
      else grouped.set(id, [message])
    }
    const all = [...grouped].map(([id, found]) => [id, unchanged(kept.current.get(id), found)] as const)
    kept.current = new Map(all)
    return all.map(([id, messages], at) => ({
      ...{ id, messages, before: all[at - 1]?.[1].at(-1), after: all[at + 1]?.[1][0] },
    }))
  }, [messages])
}

const unchanged = (before: readonly Message[] | undefined, now: readonly Message[]): readonly Message[] =>
  before?.length === now.length && before.every((message, at) => message === now[at]) ? before : now
