import type { WidgetConfig } from '../../src/protocol/index.ts'
import { watchAddress } from './address.ts'
import { closeApp, loadApp, loadTeaser, openApp } from './app.ts'
import { drawLauncher } from './launcher.ts'
import { type Drawn, leftBehind, type Page, tellAddress } from './page.ts'
import { importApp } from './server.ts'

const nothing = () => undefined

/** Puts the launcher on the page and begins to watch what it was told to watch. */
export function show(page: Page, config: WidgetConfig): Drawn {
  const { life, colourScheme } = page
  const { appearance, behaviour } = config
  appearance.scheme = colourScheme ?? appearance.scheme
  const toggled = () => toggle(page)
  // Fetched before it is asked for; should that fail, it is told when it is.
  const launcher = drawLauncher(config, toggled, () => importApp(page).catch(nothing))
  const now = { config, launcher }
  page.now = now
  launcher.speak(config.spoken)
  launcher.opened(false)
  launcher.unread(0)
  hide(page, page.hidden ?? config.launcher.hidden)
  // The visitor does something in the widget, unlike a page that opens it.
  launcher.area.onclick = () => {
    page.keeps = true
  }
  hang(launcher.host, life)
  page.keeps = behaviour.storage === 'always'
  page.talking = leftBehind(page.key) === '1'
  // Somebody who was here before finds their chat as they left it; should it not be there, they hear of it when they open it.
  if (page.talking) loadApp(page).catch(nothing)
  else if (behaviour.proactive[0]) loadTeaser(page)
  watchAddress(from => {
    page.tracked = []
    page.teaser?.restart()
    // By then the page has its title.
    setTimeout(tellAddress, 200, page, from)
  }, life)
  return now
}

export const toggle = (page: Page): void => (page.wanted ? closeApp(page) : void openApp(page))

export function hide(page: Page, hidden: boolean): void {
  page.hidden = hidden
  if (page.now) page.now.launcher.area.hidden = hidden
}

/** A page that takes our node away, as some do with all of their content, gets it back; one that insists is left alone. */
function hang(host: HTMLElement, signal: AbortSignal): void {
  let times = 0
  const place = () => {
    // Of the body, which may be another one now, and of what it stands in.
    for (const parent of [document.documentElement, document.body])
      observer.observe(parent, { childList: true })
    if (host.isConnected) return
    if (times++ > 4) return observer.disconnect()
    document.body.append(host)
    host.dispatchEvent(new Event('hung'))
    setTimeout(() => times--, 10_000)
  }
  const observer = new MutationObserver(place)
  place()
  signal.addEventListener('abort', () => {
    observer.disconnect()
    host.remove()
  })
}
