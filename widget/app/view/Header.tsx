import { useState } from 'preact/hooks'
import type { Sender } from '../../../src/client/index.ts'
import { IconButton, useAway, useChat, useChatState, useWords } from './parts.tsx'
import { useLogo, useWho } from './who.ts'

export function Face({ name, picture, there, size }: FaceProps) {
  const [broken, setBroken] = useState('')
  return (
    <div class={`face${there ? ' there' : ''}${size ? ` ${size}` : ''}`} aria-hidden="true">
      {picture && picture !== broken ? (
        <img src={picture} alt="" onError={() => setBroken(picture)} />
      ) : (
        initialOf(name)
      )}
    </div>
  )
}

interface FaceProps {
  readonly name: string
  readonly picture: string | undefined
  readonly there?: boolean
  readonly size?: string
}

const initialOf = (name: string): string => [...name.trim()][0]?.toUpperCase() ?? ''

export function Header({ title }: { readonly title: string }) {
  const chat = useChat()
  const words = useWords()
  const menu = useChatState(state => state.sheet?.name === 'menu')
  const answerer = useAnswerer()
  const who = useWho(answerer)
  const logo = useLogo()
  const talkOnline = useChatState(state => state.talk?.online ?? false)
  const connected = useChatState(state => state.connection.status === 'online')
  const isAgent = answerer?.kind === 'agent'
  const there = connected && (isAgent || talkOnline)
  const isPerson = answerer?.kind === 'member'
  return (
    <header class="head">
      <Face
        name={answerer ? who.name : title}
        picture={isPerson ? who.avatar : (logo ?? who.avatar)}
        there={there}
      />
      <div class="who">
        <h2>
          <bdi>{isPerson ? who.name : title}</bdi>
        </h2>
        <p>{useStatus(isAgent, talkOnline)}</p>
      </div>
      <IconButton
        icon="more"
        label={words('menu')}
        expanded={menu}
        onClick={() => chat.show(menu ? undefined : { name: 'menu' })}
      />
      <IconButton icon="close" label={words('close')} onClick={() => chat.close()} />
    </header>
  )
}

/** Who will answer what is written now; null: the team, whoever it is. */
function useAnswerer(): Sender | null {
  const { agent } = useChat().boot.config
  const id = useChatState(({ talk }) => {
    const state = talk?.conversation
    if (state?.owner === 'member') return `member/${state.assignedMemberId}`
    if (state?.owner === 'queue') return ''
    const agentId = state?.agentId ?? agent?.id
    return agentId ? `agent/${agentId}` : ''
  })
  const [kind, name = ''] = id.split('/')
  return kind ? { kind: kind as Sender['kind'], id: name } : null
}

function useStatus(isAgent: boolean, talkOnline: boolean): string {
  const { config } = useChat().boot
  const away = useAway()
  const words = useWords()
  const own = words.own.subtitle ?? config.chatWindow.subtitle
  if (isAgent) return own ?? words('answersAtOnce')
  if (talkOnline) return words('online')
  return (away === false && own) || words('offline')
}
