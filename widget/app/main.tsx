import { render } from 'preact'
import type { App, Boot } from './contract.ts'
import { Chat } from './state/chat.ts'
import { adopt, unadopt } from './style/adopt.ts'
import { coloursOf } from './style/colours.ts'
import { panelCss } from './style/panel.ts'
import { Panel } from './view/Panel.tsx'
import { Provide } from './view/parts.tsx'

export type { App, Boot, Mount, OpenOptions, PageEvent, Teaser } from './contract.ts'

/** Draws the chat into the loader's shadow root, closed at first, and hands back what the page may do with it. */
export function mount(boot: Boot): App {
  const chat = new Chat(boot)
  const root = document.createElement('div')
  root.className = 'parley'
  boot.shadow.append(root)
  adopt(boot.shadow, 'panel', panelCss)
  const stopColours = followColours(chat)
  const draw = () => {
    const { words } = chat.store.state
    if (!words) return
    root.lang = words.tag
    root.dir = words.rtl ? 'rtl' : 'ltr'
    render(
      <Provide value={chat}>
        <Panel />
      </Provide>,
      root,
    )
  }
  const stop = chat.store.subscribe(draw)
  /** Whoever has closed it before it could be drawn does not want it any more. */
  let wanted = false
  // The launcher too, with which the shadow root goes away. Before it is heard of there, so that all that comes of it may be kept.
  boot.shadow.addEventListener('click', chat.touched, true)
  return {
    open: async options => {
      wanted = true
      await chat.spoken()
      if (wanted) chat.open(options)
    },
    close: () => {
      wanted = false
      chat.close()
    },
    get isOpen() {
      return chat.store.state.open
    },
    identify: jwt => chat.identify(jwt),
    logout: () => chat.logout(),
    setLocale: tag => chat.speak(tag),
    setAttributes: attributes => void chat.about.describe({ attributes }),
    pageChanged: page => chat.about.onPage(page),
    destroy: () => {
      stop()
      stopColours()
      render(null, root)
      root.remove()
      unadopt(boot.shadow)
      chat.destroy()
    },
  }
}

/** The scheme that the tenant settled, or that of the visitor's system as it changes. */
function followColours({ boot, store }: Chat): () => void {
  const { accent, scheme } = boot.config.appearance
  const system = matchMedia('(prefers-color-scheme: dark)')
  const follow = () => {
    const dark = scheme === 'auto' ? system.matches : scheme === 'dark'
    adopt(boot.shadow, 'colours', coloursOf(accent, dark))
    store.set({ dark })
  }
  follow()
  system.addEventListener('change', follow)
  return () => system.removeEventListener('change', follow)
}
