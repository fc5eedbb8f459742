import type { WidgetConfig } from '../../src/protocol/index.ts'
import { writtenOn } from './contrast.ts'
import sheet from './launcher.css'
import { make } from './make.ts'

/** The button that opens the chat, and how much is unread. */
export interface Launcher {
  readonly host: HTMLElement
  readonly shadow: ShadowRoot
  readonly area: HTMLElement
  readonly button: HTMLElement
  /** What stands in it is read out. */
  readonly told: HTMLElement
  speak(spoken: WidgetConfig['spoken']): void
  opened(open: boolean): void
  unread(count: number): void
}

const bubble = 'M21 11.5a8.4 8.4 0 0 1-9 8.4 9.6 9.6 0 0 1-3.9-.8L3 20.5l1.6-4.6A8.4 8.4 0 1 1 21 11.5z'
const icons = {
  chat: `${bubble}M8 10h8M8 13h5`,
  question: `${bubble}M10 9.3a2.2 2.2 0 1 1 3 2.1c-.7.3-1 .7-1 1.5M12 15.4h0`,
  smile: `${bubble}M8.7 13s1.2 1.8 3.3 1.8 3.3-1.8 3.3-1.8M9 9.3h0M15 9.3h0`,
}
const down = 'M6 9l6 6 6-6'

export function drawLauncher(
  { launcher, appearance }: WidgetConfig,
  toggle: () => void,
  /** The visitor may be about to open the chat. */
  interest: () => void,
): Launcher {
  const host = make('parley-widget')
  const shadow = host.attachShadow({ mode: 'open' })
  const styles = new CSSStyleSheet()
  styles.replaceSync(sheet)
  shadow.adoptedStyleSheets = [styles]

  const { accent, scheme, position } = appearance
  const { side, bottom } = launcher.offset
  // Made of nodes and not of markup, which pages with Trusted Types would refuse.
  const svg = drawn('svg')
  const path = drawn('path')
  const label = make('span')
  const badge = make('b')
  const button = make('button', 'open', svg, label, badge)
  const told = make('div', 'told')
  const area = make('section', `launcher ${position}`, told, button)
  shadow.append(area)

  svg.append(path)
  svg.setAttribute('viewBox', '0 0 24 24')
  told.role = 'status'
  button.ariaHasPopup = 'dialog'
  button.onclick = toggle
  button.onpointerenter = button.onfocus = interest
  // By script, which a page's CSP lets pass, unlike the attribute.
  button.style.cssText = `background:${accent};color:${writtenOn(accent)}`
  area.style.cssText = `bottom:calc(${bottom}px + env(safe-area-inset-bottom));inset-inline-${position}:${side}px;align-items:${position};color-scheme:${scheme.replace('auto', 'light dark')}`

  let words: WidgetConfig['spoken']
  /** It begins with what is written on the button, so that who speaks to their computer can say what they see. */
  const name = () => {
    const count = badge.textContent
    button.ariaLabel = (words.label ?? words.chat) + (count && `, ${words.unread}: ${count}`)
  }
  return {
    ...{ host, shadow, area, button, told },
    speak(spoken) {
      words = spoken
      area.lang = spoken.language
      area.dir = spoken.direction
      area.ariaLabel = spoken.chat
      label.textContent = spoken.label
      label.hidden = !spoken.label
      name()
    },
    opened(open) {
      button.ariaExpanded = `${open}`
      area.classList.toggle('opened', open)
      path.setAttribute('d', open ? down : icons[launcher.icon])
      // Whoever closed the chat goes on from where they opened it, unless they are at work somewhere in the page.
      if (!open && [host, document.body].includes(document.activeElement as HTMLElement)) button.focus()
    },
    unread(count) {
      badge.hidden = !count
      badge.textContent = count > 99 ? '99+' : `${count || ''}`
      name()
    },
  }
}

const drawn = (tag: string): SVGElement =>
  document.createElementNS('http://www.w3.org/2000/svg', tag) as SVGElement
