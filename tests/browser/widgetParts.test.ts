import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { assertAccessible, launchBrowser, screenshot, sizes } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { type Guest, type HostSite, openHostSite, parleyOf } from '../support/hostSite.ts'

let site: HostSite
let browser: Browser
let guest: Guest
beforeAll(async () => {
  ;[site, browser] = await Promise.all([openHostSite(), launchBrowser()])
})
afterAll(async () => {
  await browser.close()
  await site.remove()
})
beforeEach(async () => {
  guest = await site.visit(browser, { viewport: sizes.phone })
  guest.forgive(/net::ERR_FAILED/)
})
afterEach(async () => {
  guest.assertClean()
  await guest.close()
})

const withForm = {
  preChatForm: { enabled: true, fields: [{ name: 'name', type: 'text', required: true }] },
}

/** Of these files the first so many that are asked for are lost on the way. */
async function lose(pattern: string, times: number, status?: number): Promise<() => number> {
  let asked = 0
  await guest.page.route(pattern, route => {
    if (asked++ >= times) return route.continue()
    return status === undefined
      ? route.abort()
      : route.fulfill({ status, headers: { 'access-control-allow-origin': '*' } })
  })
  return () => asked
}

const isOpen = () => parleyOf<boolean>(guest.page, 'Parley.isOpen()')

test('V1: a language that is lost on the way once is there at the next try, without a word', async () => {
  const asked = await lose('**/widget/de-*', 1)
  await guest.page.goto(site.put({ key: await site.widget(), lang: 'de' }))
  await guest.launcher.click()
  await guest.panel.getByRole('button', { name: 'Chat schließen' }).waitFor()
  expect(asked()).toBe(2)
})

test('V1: where nothing can be said the launcher stays and says so, and the next press tries again', async () => {
  // Whoever builds the page is told why.
  guest.forgive(/^warning: \[Parley\] TypeError/)
  await guest.page.goto(site.put({ key: await site.widget() }))
  const asked = await lose('**/widget/en-*', 8)
  await guest.launcher.click()
  await guest.page.locator('parley-widget .told:not(:empty)').waitFor()
  expect([await guest.launcher.isVisible(), await isOpen(), asked()]).toEqual([true, false, 8])
  await screenshot(guest.page, 'widget-not-loaded')
  await guest.launcher.click()
  await guest.panel.waitFor()
  expect(await isOpen()).toBe(true)
})

test('V1: who closes what is not there yet finds it closed', async () => {
  await guest.page.goto(site.put({ key: await site.widget() }))
  let arrive: () => void = () => undefined
  await guest.page.route('**/widget/en-*', async route => {
    await new Promise<void>(resolve => {
      arrive = resolve
    })
    await route.continue()
  })
  await guest.launcher.click()
  await eventually('it is asked for', () => guest.asked.some(path => path.startsWith('/widget/en-')))
  await parleyOf(guest.page, 'Parley.close()')
  arrive()
  await guest.page.waitForTimeout(500)
  expect([await guest.panel.count(), await isOpen()]).toEqual([0, false])
})

test('V1: a part that cannot be had is missed in its place, and the visitor can try again', async () => {
  // Whoever builds the page is told why.
  guest.forgive(/^warning: \[Parley\] TypeError/)
  await lose('**/widget/Forms-*', 4)
  await guest.page.goto(site.put({ key: await site.widget(withForm) }))
  await guest.launcher.click()
  const again = guest.panel.getByRole('button', { name: 'Try again' })
  await again.waitFor()
  await guest.panel.getByText('Something went wrong. Please try again.').waitFor()
  await assertAccessible(guest.page)
  await screenshot(guest.page, 'widget-part-missing')
  await again.click()
  await guest.panel.getByLabel('Name').waitFor()
  const focused = `document.querySelector('parley-widget').shadowRoot.activeElement.id`
  expect(await guest.page.evaluate(focused)).toBe('field-name')
})

test('V1: a part of a version that is gone is said to be that', async () => {
  guest.expectStatus(404)
  // Whoever builds the page is told why.
  guest.forgive(/^warning: \[Parley\] Error: .* is gone$/)
  await guest.page.goto(site.put({ key: await site.widget() }))
  await guest.launcher.click()
  await guest.panel.waitFor()
  await lose('**/widget/Sheets-*', 99, 404)
  await guest.panel.getByRole('button', { name: 'More' }).click()
  await guest.panel.getByText('This page is out of date.').waitFor()
  await screenshot(guest.page, 'widget-part-outdated')
  await guest.page.unroute('**/widget/Sheets-*')
  await guest.panel.getByRole('button', { name: 'Load again' }).click()
  await guest.launcher.click()
  await guest.panel.getByRole('button', { name: 'More' }).click()
  await guest.panel.getByRole('menu').waitFor()
})

test('V1: a page that takes the widget away costs neither the place nor the focus nor a key', async () => {
  const key = await site.widget()
  await guest.page.goto(site.put({ key }))
  await guest.launcher.click()
  const field = guest.panel.locator('.foot textarea')
  for (let sent = 0; sent < 12; sent++) {
    await field.fill(`${sent} ${'words '.repeat(60)}`)
    await field.press('Enter')
  }
  const log = guest.panel.locator('.log')
  await log.locator('.own').nth(11).waitFor()
  await guest.page.waitForTimeout(500)
  await log.evaluate(element => element.scrollTo(0, 700))
  await guest.page.waitForTimeout(200)
  const place = () => log.evaluate(element => Math.round(element.scrollTop))
  expect(await place()).toBe(700)
  await field.fill('half ')
  await guest.page.evaluate(`document.querySelector('parley-widget').remove()`)
  await guest.page.keyboard.type('typed')
  expect(await place()).toBe(700)
  expect(await field.inputValue()).toBe('half typed')
  // At the end it stays at the end.
  await log.evaluate(element => element.scrollTo(0, element.scrollHeight))
  await guest.page.waitForTimeout(200)
  const end = await place()
  await guest.page.evaluate(`document.body.replaceChildren()`)
  await eventually('it is at the end again', async () => (await place()) === end)
})
