import type { Sender } from '../../../src/client/index.ts'
import { undirected } from '../markdown/inline.tsx'
import type { Chat } from '../state/chat.ts'
import { nameOf, type State } from '../state/state.ts'
import { useChat, useChatState, useWords } from './parts.tsx'

export interface Who {
  readonly name: string
  readonly avatar: string | undefined
}

/** Pictures come from the server of the chat or by https, or not at all. */
const pictureOf = (url: string | null | undefined, origin: string): string | undefined => {
  try {
    const { protocol, origin: from, href } = new URL(url ?? '', origin)
    return url && (protocol === 'https:' || from === origin) ? href : undefined
  } catch {
    return undefined
  }
}

/** Nobody's name may fill the panel. */
const cut = (name: string): string => (name.length > 60 ? `${name.slice(0, 59)}…` : name)

/** As somebody calls themselves, or as what they are. */
export function whoIs(
  { boot }: Chat,
  { people, words }: Pick<State, 'people' | 'words'>,
  sender: Sender | null,
): Who {
  const known = sender ? people[nameOf(sender)] : undefined
  const { agent } = boot.config
  const own = sender?.kind === 'agent' && agent?.id === sender.id ? agent : undefined
  const kind = sender?.kind === 'agent' ? 'assistant' : 'team'
  return {
    name: cut(undirected(known?.name ?? own?.name ?? '').trim()) || (words?.(kind) ?? ''),
    avatar: pictureOf(known?.avatarUrl ?? own?.avatar, boot.origin),
  }
}

export function useWho(sender: Sender | null): Who {
  const chat = useChat()
  const words = useWords()
  const people = useChatState(state => state.people)
  return whoIs(chat, { people, words }, sender)
}

export function useTitle(): string {
  const { boot } = useChat()
  const words = useWords()
  return words.own.title ?? boot.config.chatWindow.title ?? words('title')
}

export const useLogo = (): string | undefined => {
  const { boot } = useChat()
  return pictureOf(boot.config.appearance.logo, boot.origin)
}
