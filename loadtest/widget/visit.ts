import type { Browser, CDPSession } from 'playwright-core'
import type { PageName } from './shopSite.ts'

export interface Visit {
  /** Over the wire from anywhere but the page itself, with headers. */
  readonly beforeOpenBytes: number
  readonly openBytes: number
  /** Of every task on the main thread, what was beyond 50 ms: until the launcher stood, and until text could be written. */
  readonly loadBlockingMs: number
  readonly blockingMs: number
  /** From the press until the field has the focus and a letter that was typed into it is painted. */
  readonly interactiveMs: number
}

/** How much slower a phone is than this machine. */
const slowdown = 4

const watch = `
  window.longTasks = []
  new PerformanceObserver(list => { for (const { startTime, duration } of list.getEntries()) longTasks.push({ startTime, duration }) })
    .observe({ type: 'longtask', buffered: true })
  window.blockingUntil = end => longTasks.filter(task => task.startTime < end).reduce((sum, { duration }) => sum + Math.max(duration - 50, 0), 0)
  addEventListener('pointerdown', ({ timeStamp }) => { window.pressedAt = timeStamp }, true)
  const focused = root => root?.activeElement?.shadowRoot ? focused(root.activeElement.shadowRoot) : root?.activeElement
  window.interactive = () => new Promise(resolve => {
    const look = () => {
      const field = focused(document)
      if (field?.tagName !== 'TEXTAREA') return requestAnimationFrame(look)
      document.execCommand('insertText', false, 'x')
      if (field.value !== 'x') throw new Error('what is typed does not appear')
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())))
    }
    look()
  })`

/**
 * One visitor with an empty cache on a slow phone: comes, waits, and opens the chat if there is one. A finger presses without having been over
 * the button before, so whatever is downloaded then begins with the press, for the floor as for the widget.
 */
export async function visit(browser: Browser, shop: string, name: PageName): Promise<Visit> {
  const context = await browser.newContext({ hasTouch: true })
  try {
    const page = await context.newPage()
    const cdp = await context.newCDPSession(page)
    const bytes = await countBytes(cdp, `${shop}/${name}`)
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
    await page.addInitScript(watch)
    await page.goto(`${shop}/${name}`, { waitUntil: 'load' })
    const launcher = page.locator(name === 'with' ? 'parley-widget .open' : '#open')
    if (name !== 'without') await launcher.waitFor()
    // Whatever is loaded without being asked for has come by then.
    await page.waitForTimeout(1_000)
    const beforeOpenBytes = bytes()
    const loadBlockingMs = await page.evaluate<number>('blockingUntil(performance.now())')
    if (name === 'without')
      return { beforeOpenBytes, openBytes: 0, loadBlockingMs, blockingMs: loadBlockingMs, interactiveMs: 0 }
    const interactive = page.evaluate<number>('interactive()')
    await launcher.tap()
    const end = await interactive
    const [interactiveMs, blockingMs] = await page.evaluate<[number, number]>(
      `[${end} - pressedAt, blockingUntil(${end})]`,
    )
    await page.waitForTimeout(500)
    return {
      beforeOpenBytes,
      openBytes: bytes() - beforeOpenBytes,
      loadBlockingMs,
      blockingMs,
      interactiveMs,
    }
  } finally {
    await context.close()
  }
}

/** What the network has brought so far, apart from the page. */
async function countBytes(cdp: CDPSession, page: string): Promise<() => number> {
  const own = new Set<string>()
  let sum = 0
  cdp.on('Network.responseReceived', ({ requestId, response }) => {
    if (response.url === page) own.add(requestId)
  })
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (!own.has(requestId)) sum += encodedDataLength
  })
  await cdp.send('Network.enable')
  return () => sum
}
