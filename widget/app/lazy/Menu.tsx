import { useEffect } from 'preact/hooks'
import { Icon, type IconOrPath, useChat, useChatState, useFocusWhileOpen, useWords } from '../view/parts.tsx'

const list = 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01'
const sound = 'M4 9v6h4l5 4V5L8 9zM17 9a4 4 0 0 1 0 6'
const silent = 'M4 9v6h4l5 4V5L8 9zM17 9.5l5 5M22 9.5l-5 5'

interface Choice {
  readonly icon: IconOrPath
  readonly label: string
  readonly hidden?: boolean
  act(): void
}

/** What is wanted now and then. */
export function Menu() {
  const chat = useChat()
  const element = useFocusWhileOpen<HTMLDivElement>()
  const choices = useChoices().filter(({ hidden }) => !hidden)
  const buttons = () => [...(element.current?.querySelectorAll('button') ?? [])]
  const move = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 }
    const all = buttons()
    const at = all.indexOf(event.target as HTMLButtonElement)
    if (event.key === 'Tab') chat.show(undefined)
    const edges: Readonly<Record<string, number>> = { Home: 0, End: all.length - 1 }
    const to =
      edges[event.key] ?? (steps[event.key] ? (at + (steps[event.key] ?? 0) + all.length) % all.length : -1)
    if (to < 0) return
    event.preventDefault()
    all[to]?.focus()
  }
  useEffect(() => {
    buttons()[0]?.focus({ preventScroll: true })
    const root = element.current?.getRootNode() as ShadowRoot
    const outside = (event: Event) => {
      const inside = event.composedPath()
      const isToggle = inside.some(one => one instanceof Element && one.hasAttribute('aria-expanded'))
      if (!isToggle && element.current && !inside.includes(element.current)) chat.show(undefined)
    }
    root.addEventListener('pointerdown', outside)
    return () => root.removeEventListener('pointerdown', outside)
  }, [])
  return (
    <div class="menu" role="menu" tabIndex={-1} ref={element} onKeyDown={move}>
      {choices.map(({ icon, label, act }) => (
        <button type="button" role="menuitem" key={icon} onClick={act}>
          <Icon name={icon} />
          {label}
        </button>
      ))}
    </div>
  )
}

function useChoices(): readonly Choice[] {
  const chat = useChat()
  const words = useWords()
  const muted = useChatState(state => state.muted)
  const id = useChatState(state => state.talk?.id)
  const owner = useChatState(state => state.talk?.conversation?.owner)
  const { chatWindow, agent } = chat.boot.config
  const leave = (act: () => void) => () => {
    chat.show(undefined)
    act()
  }
  return [
    {
      icon: 'person',
      label: words('person'),
      hidden: !(owner === 'ai' || (!owner && agent)),
      act: leave(() => void chat.callPerson()),
    },
    { icon: 'plus', label: words('newChat'), hidden: !id, act: leave(() => chat.talks.begin()) },
    { icon: list, label: words('pastChats'), act: () => chat.show({ name: 'past' }) },
    {
      icon: 'mail',
      label: words('sendTranscript'),
      hidden: !id || !chatWindow.transcript,
      act: () => chat.show({ name: 'transcript' }),
    },
    {
      icon: muted ? sound : silent,
      label: words(muted ? 'soundOn' : 'soundOff'),
      act: leave(() => chat.mute(!muted)),
    },
  ]
}
