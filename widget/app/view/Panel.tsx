import { useEffect, useRef, useState } from 'preact/hooks'
import { Announcer } from './Announcer.tsx'
import { Composer } from './Composer.tsx'
import { Connection, Refusal, refusalOf } from './Connection.tsx'
import { useFocusKept } from './focus.ts'
import { Header } from './Header.tsx'
import { Messages } from './Messages.tsx'
import { Form, later, useChat, useChatState, useWords } from './parts.tsx'
import { useTitle } from './who.ts'

const Sheets = later('sheets', () => import('../lazy/Sheets.tsx'))

export function Panel() {
  const open = useChatState(state => state.open)
  return open ? <Opened /> : null
}

/** The page has shortcuts of its own, which nobody means who types here. */
const ours = (event: Event) => event.stopPropagation()

const small = '(max-width: 480px), (max-height: 480px)'

function Opened() {
  const chat = useChat()
  const words = useWords()
  const sheet = useChatState(state => state.sheet)
  const introduced = useChatState(state => state.introduced || state.talk !== undefined)
  const refusal = useChatState(refusalOf)
  const panel = useRef<HTMLElement>(null)
  const phone = useMatches(small)
  const dropping = useDrop(panel)
  useHeight(panel)
  useFocusKept(panel)
  const { position } = chat.boot.config.appearance
  const onKey = (event: KeyboardEvent) => {
    ours(event)
    // What fills the screen, as a picture does on any, is all that can be reached.
    if (event.key === 'Tab' && (phone || sheet?.name === 'image')) keepInside(event, panel.current)
    if (event.key !== 'Escape' || event.isComposing) return
    if (sheet) chat.show(undefined)
    else chat.close()
  }
  const title = useTitle()
  return (
    <section
      class={position === 'start' ? 'panel start' : 'panel'}
      role="dialog"
      aria-label={title}
      aria-modal={phone}
      tabIndex={-1}
      ref={panel}
      onKeyDown={onKey}
      onKeyPress={ours}
      onKeyUp={ours}
    >
      <Header title={title} />
      <Connection />
      <div class="main">
        {refusal ? (
          <Refusal failure={refusal} />
        ) : introduced ? (
          <>
            <Messages />
            <Composer />
          </>
        ) : (
          <Form form="preChat" />
        )}
      </div>
      {sheet && <Sheets sheet={sheet} />}
      {dropping && <div class="drop">{words('dropHere')}</div>}
      <Announcer />
    </section>
  )
}

function useMatches(query: string): boolean {
  const [matches, set] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const look = () => set(list.matches)
    list.addEventListener('change', look)
    return () => list.removeEventListener('change', look)
  }, [query])
  return matches
}

/** Where the launcher is, and how much a keyboard on the screen leaves. */
function useHeight(panel: { readonly current: HTMLElement | null }): void {
  const { side, bottom } = useChat().boot.config.launcher.offset
  useEffect(() => {
    const style = panel.current?.style
    style?.setProperty('--side', `${side}px`)
    style?.setProperty('--bottom', `${bottom + 72}px`)
    const view = visualViewport
    if (!view) return
    const follow = () => {
      const { height, scale, offsetTop } = view
      // Who enlarges the page looks at a part of it, and moves that as they like; where a keyboard has pushed it up, we go along.
      style?.setProperty('--height', `${height * scale}px`)
      style?.setProperty('--top', scale > 1 ? '0px' : `${offsetTop}px`)
    }
    follow()
    const events = ['resize', 'scroll']
    for (const event of events) view.addEventListener(event, follow)
    return () => {
      for (const event of events) view.removeEventListener(event, follow)
    }
  }, [panel, side, bottom])
}

const reachable = 'button:not(:disabled),a[href],input,textarea,select,[tabindex="0"]'

/** Nothing else is on the screen, so nothing else is reached. */
function keepInside(event: KeyboardEvent, panel: HTMLElement | null): void {
  const all = [...(panel?.querySelectorAll<HTMLElement>(reachable) ?? [])].filter(
    one => one.offsetParent && !one.closest('[inert]'),
  )
  const [first, last] = [all[0], all.at(-1)]
  const focused = (panel?.getRootNode() as ShadowRoot | undefined)?.activeElement as HTMLElement
  const [from, to] = event.shiftKey ? [first, last] : [last, first]
  // What only a script can give it to, a dialog itself, stands before the first and behind the last.
  if ((focused !== from && all.includes(focused)) || !to) return
  event.preventDefault()
  to.focus()
}

function useDrop(panel: { readonly current: HTMLElement | null }): boolean {
  const chat = useChat()
  const [dropping, set] = useState(false)
  useEffect(() => {
    const element = panel.current
    if (!element || !chat.boot.config.chatWindow.attachments) return
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    const over = (event: DragEvent) => {
      if (!holdsFiles(event)) return
      event.preventDefault()
      set(true)
    }
    const leave = ({ relatedTarget }: DragEvent) => {
      if (!element.contains(relatedTarget as Node | null)) set(false)
    }
    const drop = (event: DragEvent) => {
      if (!holdsFiles(event)) return
      event.preventDefault()
      set(false)
      const files = [...(event.dataTransfer?.files ?? [])]
      void chat.withUploads(uploads => uploads.add(files))
    }
    element.addEventListener('dragover', over)
    element.addEventListener('dragleave', leave)
    element.addEventListener('drop', drop)
    return () => {
      element.removeEventListener('dragover', over)
      element.removeEventListener('dragleave', leave)
      element.removeEventListener('drop', drop)
    }
  }, [chat, panel])
  return dropping
}
