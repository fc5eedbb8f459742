import { Component, type ComponentChild, createContext, type FunctionComponent, h } from 'preact'
import { useContext, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { insist, Outdated } from '../insist.ts'
import type { AttachedProps } from '../lazy/Attached.tsx'
import type { FormName } from '../lazy/Forms.tsx'
import type { Chat } from '../state/chat.ts'
import { awayUntil } from '../state/hours.ts'
import type { State } from '../state/state.ts'
import { usePart } from '../state/store.ts'
import type { Words } from '../state/words.ts'
import { adopt } from '../style/adopt.ts'

/** For what comes later, so that it needs no other part than this one. */
export { undirected } from '../markdown/inline.tsx'

const ChatContext = createContext<Chat | undefined>(undefined)
export const Provide = ChatContext.Provider

export function useChat(): Chat {
  const chat = useContext(ChatContext)
  if (!chat) throw new Error('drawn outside of a chat')
  return chat
}

export const useChatState = <Part,>(choose: (state: State) => Part): Part => usePart(useChat().store, choose)

/** Nothing is drawn before there are words. */
export function useWords(): Words {
  const words = useChatState(state => state.words)
  if (!words) throw new Error('drawn without words')
  return words
}

/** `awayUntil`, looked at again and again: a computer sleeps, and no timer is to be relied on for long. */
export function useAway(): string | false {
  const { hours } = useChat().boot.config
  const [away, setAway] = useState(() => awayUntil(hours))
  useEffect(() => {
    const timer = setInterval(() => setAway(awayUntil(hours)), 5_000)
    return () => clearInterval(timer)
  }, [hours])
  return away
}

/** Drawn again only if something is given to it that is not what it was. */
export function memo<Props extends object>(draw: (props: Props) => ComponentChild) {
  return class extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      const names = Object.keys({ ...this.props, ...next }) as (keyof Props)[]
      return names.some(name => this.props[name] !== next[name])
    }
    override render() {
      return h(draw as FunctionComponent<Props>, this.props)
    }
  }
}

interface Module<Props> {
  readonly default: FunctionComponent<Props>
  readonly css?: string
}

/** What is not needed at first comes with its styles when it is. Where it cannot be had, that stands in its place, with what the visitor can do. */
export function later<Props extends object>(name: string, load: () => Promise<Module<Props>>) {
  const fetched = insist(load)
  let loaded: Module<Props> | undefined
  return (props: Props) => {
    const chat = useChat()
    const words = useWords()
    const [{ fault }, draw] = useState<{ readonly fault?: 'outdated' | 'wrong' }>({})
    const fetch = () => {
      if (loaded) return
      fetched().then(
        module => {
          loaded = module
          draw({})
        },
        (error: unknown) => {
          draw({ fault: error instanceof Outdated ? 'outdated' : 'wrong' })
          chat.fail({ code: 'unavailable', message: String(error) })
        },
      )
    }
    useEffect(fetch, [chat])
    if (loaded) {
      if (loaded.css) adopt(chat.boot.shadow, name, loaded.css)
      return h(loaded.default, props)
    }
    if (!fault) return null
    const old = fault === 'outdated'
    return (
      <p class="lost" role="alert">
        {words(fault)}{' '}
        <button type="button" class="link" onClick={old ? () => location.reload() : fetch}>
          {words(old ? 'reload' : 'retry')}
        </button>
      </p>
    )
  }
}

/** What is drawn in several places and comes when the first of them needs it. */
export const Form = later<{ readonly form: FormName }>('forms', () => import('../lazy/Forms.tsx'))
export const Attached = later<AttachedProps>('attached', () => import('../lazy/Attached.tsx'))

/**
 * The focus goes there, and back to where it was when that is put away with the focus still in it. `covers`: nothing of the panel can be seen
 * meanwhile, so nothing of it can be reached either, but for what is told by it.
 */
export function useFocusWhileOpen<Kind extends HTMLElement>(covers = false) {
  const element = useRef<Kind>(null)
  // Not later: what had the focus is asked before anything else can take it.
  useLayoutEffect(() => {
    const { current: over } = element
    const root = over?.getRootNode() as ShadowRoot
    const before = root.activeElement as HTMLElement | null
    // By hand and not by what is drawn: first the focus has to be taken from there, and can go back only when it is free again.
    const cover = (inert: boolean) => {
      for (const part of root.querySelectorAll<HTMLElement>('.head,.main')) part.inert = inert
    }
    over?.focus({ preventScroll: true })
    if (covers) cover(true)
    return () => {
      if (covers) cover(false)
      if (over?.contains(root.activeElement)) before?.focus({ preventScroll: true })
    }
  }, [])
  return element
}

const paths = {
  close: 'M6 6l12 12M18 6L6 18',
  back: 'M15 5l-7 7 7 7',
  more: 'M5 11.5v1M12 11.5v1M19 11.5v1',
  send: 'M12 19V5M6 11l6-6 6 6',
  clip: 'M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.4 3.4 0 0 1 4.8 4.8L9.4 17.2a1.7 1.7 0 0 1-2.4-2.4L14.5 7.3',
  smile: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.5a4.3 4.3 0 0 0 7 0M9 9.5h.01M15 9.5h.01',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  checks: 'M2 12.5l4.5 4.5L16 7.5M12 16.5l.5.5L22 7.5',
  alert: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7.5V13M12 16.5h.01',
  down: 'M12 5v14M6 13l6 6 6-6',
  stop: 'M7 7h10v10H7z',
  again: 'M20 11a8 8 0 1 0-2.3 6M20 5v6h-6',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0',
  file: 'M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8zM14 3v5h5',
  image:
    'M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM4 16l5-5 5 5 2-2 4 4M15 9h.01',
  mail: 'M4 6h16v12H4zM4 7l8 6 8-6',
  plus: 'M12 5v14M5 12h14',
} as const

export type IconName = keyof typeof paths
/** One of those, or drawn where it is needed, so that only those who see it load it. */
export type IconOrPath = IconName | `M${string}`

export const Icon = ({ name, flip }: { name: IconOrPath; flip?: boolean }) => (
  <svg viewBox="0 0 24 24" aria-hidden="true" class={flip ? 'flip' : ''}>
    <path d={paths[name as IconName] ?? name} />
  </svg>
)

interface IconButtonProps {
  readonly icon: IconOrPath
  readonly label: string
  onClick(): void
  readonly flip?: boolean
  readonly disabled?: boolean
  readonly expanded?: boolean
}

export const IconButton = ({ icon, label, onClick, flip = false, disabled, expanded }: IconButtonProps) => (
  <button
    type="button"
    class="icon"
    aria-label={label}
    title={label}
    onClick={onClick}
    disabled={disabled ?? false}
    {...(expanded !== undefined && { 'aria-expanded': expanded })}
  >
    <Icon name={icon} flip={flip} />
  </button>
)
