import type { App, OpenOptions, PageEvent, Teaser } from '../app/contract.ts'
import { type Drawn, emit, fail, leftBehind, type Page, tellAddress } from './page.ts'
import { importApp, importTeaser } from './server.ts'

/** The app, once; again where it could not be had. */
export const loadApp = (page: Page): Promise<App> => {
  page.loading ??= mountApp(page).catch(error => {
    page.loading = undefined
    page.attempts++
    if (!page.life.aborted) fail(page, 'unavailable', `The chat was not loaded. ${error}`)
    throw error
  })
  return page.loading
}

async function mountApp(page: Page): Promise<App> {
  const { config, launcher } = await page.draw()
  const { mount } = await importApp(page)
  page.life.throwIfAborted()
  const { shadow } = launcher
  const keeps = page.keeps || !!leftBehind(page.key)
  // With what the page has said so far.
  page.app = mount({ ...page, config, shadow, keeps, tell: event => hear(page, event) })
  page.app.setAttributes(page.attributes)
  tellAddress(page)
  return page.app
}

export async function openApp(page: Page, options?: OpenOptions): Promise<void> {
  page.wanted = true
  try {
    const app = await loadApp(page)
    // Whoever has closed it meanwhile does not want it any more.
    if (page.wanted) await app.open(options ?? { greeting: page.greeting })
  } catch {
    page.wanted = false
    // The reason is told to the page by now; the visitor gets a plain word.
    if (page.now) page.now.launcher.told.textContent = page.now.config.spoken.unavailable
  }
}

export function closeApp(page: Page): void {
  page.wanted = false
  page.app?.close()
}

/** The part that shows messages beside the launcher, where there may be one to show. */
export const loadTeaser = (page: Page, latest?: Teaser): unknown =>
  importTeaser(page).then(
    ({ begin }) => {
      if (page.life.aborted) return
      page.teaser ??= begin(page, () => void openApp(page))
      page.teaser.latest(latest)
    },
    error => fail(page, 'unavailable', `${error}`),
  )

function hear(page: Page, { type, ...told }: PageEvent): void {
  // The app was mounted into it.
  const { launcher } = page.now as Drawn
  if (type === 'known') Object.assign(page, told)
  else if ('count' in told) {
    launcher.unread(told.count)
    if (told.latest || page.teaser) loadTeaser(page, told.latest)
    emit(page, 'unread', told.count)
  } else {
    if (type === 'open' || type === 'close') {
      page.wanted = type === 'open'
      page.greeting = undefined
      launcher.told.replaceChildren()
      launcher.opened(page.wanted)
    }
    emit(page, type as 'message', told as never)
  }
}
