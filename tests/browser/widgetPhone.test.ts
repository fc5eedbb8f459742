import type { Browser, CDPSession, Locator } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { launchBrowser, screenshot, sizes } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { type Guest, type HostSite, openHostSite } from '../support/hostSite.ts'

let site: HostSite
let browser: Browser
let guest: Guest
let cdp: CDPSession
let key: string

beforeAll(async () => {
  ;[site, browser] = await Promise.all([openHostSite(), launchBrowser()])
  key = await site.widget()
})
afterAll(async () => {
  await browser.close()
  await site.remove()
})
beforeEach(async () => {
  guest = await site.visit(browser, { viewport: sizes.phone, hasTouch: true, isMobile: true })
  cdp = await guest.context.newCDPSession(guest.page)
  const head = '<meta name="viewport" content="width=device-width, initial-scale=1">'
  const body = Array.from({ length: 80 }, (_, at) => `<p>Shelf ${at}, of solid oak.</p>`).join('')
  await guest.page.goto(site.put({ key, head, body }))
  await guest.launcher.tap()
  await guest.panel.waitFor()
})
afterEach(async () => {
  guest.assertClean()
  await guest.close()
})

const composer = () => guest.panel.locator('textarea')
const boxOf = async (what: Locator) => {
  const { x, y, width, height } = (await what.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
  return { x, y, width, height, bottom: y + height }
}

/** A finger that goes up or down by so much, from the middle of something or of the screen, and rests before it leaves. */
async function swipe(distance: number, from?: Locator): Promise<void> {
  const { x, y, width, height } = from ? await boxOf(from) : { x: 0, y: 0, ...sizes.phone }
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', moved: number) =>
    cdp.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: type === 'touchEnd' ? [] : [{ x: x + width / 2, y: y + height / 2 + moved }],
    })
  await touch('touchStart', 0)
  for (let step = 1; step <= 20; step++) await touch('touchMove', (distance * step) / 20)
  await guest.page.waitForTimeout(100)
  await touch('touchEnd', 0)
  await guest.page.waitForTimeout(100)
}

const scrolled = () => guest.page.evaluate<number>('scrollY')

test('V1: on a phone the chat is the whole screen', async () => {
  expect(await boxOf(guest.panel)).toMatchObject({ x: 0, y: 0, ...sizes.phone })
  expect(await guest.panel.getAttribute('aria-modal')).toBe('true')
  await screenshot(guest.page, 'widget-phone')
  await guest.panel.getByRole('button', { name: 'Close chat' }).tap()
  await guest.panel.waitFor({ state: 'hidden' })
  expect(await guest.launcher.isVisible()).toBe(true)
})

test('V1: what a keyboard on the screen leaves is enough for the composer', async () => {
  const keyboard = 340
  await composer().tap()
  await composer().fill('Half typed')
  await guest.page.setViewportSize({ ...sizes.phone, height: sizes.phone.height - keyboard })
  const left = sizes.phone.height - keyboard
  await eventually('the chat ends above it', async () => (await boxOf(guest.panel)).bottom === left)
  expect((await boxOf(composer())).bottom).toBeLessThan(left)
  expect(await composer().evaluate(element => element.matches(':focus'))).toBe(true)
  await screenshot(guest.page, 'widget-phone-keyboard')
  await guest.page.setViewportSize(sizes.phone)
  await eventually('it is large again', async () => (await boxOf(guest.panel)).bottom === sizes.phone.height)

  // Some browsers leave the page as it is and shrink what is seen of it alone. No emulation does, so what it would say is said for it.
  await guest.page.evaluate(`{
    Object.defineProperty(visualViewport, 'height', { get: () => ${left}, configurable: true })
    visualViewport.dispatchEvent(new Event('resize'))
  }`)
  await eventually('the chat ends above it', async () => (await boxOf(guest.panel)).bottom === left)
  expect((await boxOf(composer())).bottom).toBeLessThan(left)
  expect(await composer().inputValue()).toBe('Half typed')
})

test('V1: the page behind the chat stays where it is, whatever a finger does in the chat', async () => {
  await guest.panel.getByRole('button', { name: 'Close chat' }).tap()
  await guest.panel.waitFor({ state: 'hidden' })
  await swipe(-400)
  const before = await scrolled()
  expect(before).toBeGreaterThan(300)
  await guest.launcher.tap()
  await guest.panel.waitFor()
  for (const part of ['.head', '.log', '.foot textarea']) {
    for (const distance of [-200, 100]) await swipe(distance, guest.panel.locator(part))
  }
  expect(await scrolled()).toBe(before)
  // A history that is longer than the screen, at its end and at its beginning.
  for (let at = 0; at < 12; at++) {
    await composer().fill(`Line ${at}\nand another one\nand one more`)
    await guest.panel.getByRole('button', { name: 'Send' }).tap()
  }
  await guest.panel.locator('.own').nth(11).waitFor()
  const log = guest.panel.locator('.log')
  expect(await log.evaluate(element => element.scrollHeight - element.clientHeight)).toBeGreaterThan(300)
  const top = () => log.evaluate(element => element.scrollTop)
  const end = await top()
  await swipe(-300, log)
  await swipe(300, log)
  expect(await top()).toBeLessThan(end)
  for (let at = 0; at < 10; at++) await swipe(300, log)
  expect(await top()).toBe(0)
  expect(await scrolled()).toBe(before)
})
