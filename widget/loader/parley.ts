import type { Parley, ParleyMethods, ParleyOptions } from '../module/parley.d.ts'
import { closeApp, openApp } from './app.ts'
import { erase } from './erase.ts'
import { type Drawn, emit, fail, type Page, tellAddress } from './page.ts'
import { readConfig } from './server.ts'
import { hide, show, toggle } from './show.ts'
import { warn } from './warn.ts'

/** The widget on this page. `undone` takes away what whoever called has made for it. */
export function createParley(options: ParleyOptions, undone?: () => void): Parley {
  const { widget: key, host = '' } = options
  const end = new AbortController()
  let drawing: Promise<Drawn> | undefined
  const page: Page = {
    ...{ ...options, key },
    origin: new URL(host, location.href).origin,
    events: new EventTarget(),
    life: end.signal,
    draw() {
      drawing ??= settle(page)
      return drawing
    },
    attributes: {},
    tracked: [],
    attempts: 0,
  }
  // What the page itself has to do comes first; browsers without a word for that wait a little.
  ;(window.requestIdleCallback ?? setTimeout)(page.draw, { timeout: 2_000 } as never)
  const methods = methodsOf(page, () => {
    end.abort()
    page.app?.destroy()
    undone?.()
  })
  const call = (name: keyof ParleyMethods, ...rest: never[]): unknown => {
    // Of what pages call nothing is checked beforehand.
    const method = methods[name] as ((...rest: never[]) => unknown) | undefined
    return method ? method(...rest) : warn(`There is no method ${name}.`)
  }
  return Object.assign(call, methods) as Parley
}

/**
 * Asks the server what this widget is, and shows it. What may pass is tried again, at longer and longer intervals; what may not is never
 * answered.
 */
async function settle(page: Page): Promise<Drawn> {
  for (let wait = 10_000; ; wait = Math.min(wait * 2, 300_000)) {
    const answer = await readConfig(page)
    // Until then there is nothing to put anything into.
    while (!document.body) await pause(50)
    if (page.life.aborted) return never
    if ('spoken' in answer) {
      const drawn = show(page, answer)
      emit(page, 'ready')
      return drawn
    }
    if (wait === 10_000) fail(page, answer.code, answer.detail ?? answer.code)
    if (!answer.retryable) return never
    await pause(wait * (0.8 + 0.4 * Math.random()))
  }
}

const never = new Promise<never>(() => undefined)

/** Until the time is over, or the browser has found its network again. */
const pause = (milliseconds: number): Promise<unknown> =>
  new Promise(resolve => {
    setTimeout(resolve, milliseconds)
    addEventListener('online', resolve, { once: true })
  })

const methodsOf = (page: Page, destroy: () => void): ParleyMethods => ({
  destroy,
  open: () => void openApp(page),
  close: () => closeApp(page),
  toggle: () => toggle(page),
  isOpen: () => !!page.wanted,
  show: () => hide(page, false),
  hide: () => hide(page, true),
  message: text => void openApp(page, { text }),
  track(event) {
    page.tracked.push(event)
    page.teaser?.check()
  },
  on(event, listener) {
    const heard = ({ detail }: CustomEventInit) => listener(detail)
    page.events.addEventListener(event, heard)
    if (page.now && event === 'ready') setTimeout(listener)
    return () => page.events.removeEventListener(event, heard)
  },
  async setLocale(language) {
    page.language = language
    page.app?.setLocale(language)
    const { config, launcher } = await page.draw()
    const answer = await readConfig(page)
    if (!('spoken' in answer) || language !== page.language) return
    config.spoken = answer.spoken
    launcher.speak(answer.spoken)
  },
  setAttributes(attributes) {
    page.attributes = { ...page.attributes, ...attributes }
    page.app?.setAttributes(attributes)
  },
  setConsent(given) {
    page.consent = given
    tellAddress(page)
  },
  async identify(token) {
    page.identity = token
    await page.app?.identify(token)
  },
  async logout() {
    page.identity = undefined
    page.attributes = {}
    page.talking = page.consent = false
    page.keeps = page.now?.config.behaviour.storage === 'always'
    page.teaser?.forget()
    // Without the app there is less to end, and nothing is loaded for that: the server may be away.
    await (page.app?.logout() ?? erase(page.key))
    tellAddress(page)
  },
})
