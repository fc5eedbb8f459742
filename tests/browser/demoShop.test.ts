import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  assertAccessible,
  assertFits,
  launchBrowser,
  newVisitor,
  screenshot,
  sizes,
  startBrowsable,
  type Visitor,
} from '../support/browser.ts'
import type { TestParley } from '../support/parley.ts'

let parley: TestParley
let browser: Browser
let visitor: Visitor
let page: Page

beforeAll(async () => {
  ;[parley, browser] = await Promise.all([startBrowsable({ SEED_DEMO: 'true' }), launchBrowser()])
})
afterAll(async () => {
  await browser.close()
  await parley.remove()
})
beforeEach(async () => {
  visitor = await newVisitor(browser, parley.url)
  page = visitor.page
})
afterEach(async () => {
  visitor.assertClean()
  await visitor.close()
})

const launcher = () => page.locator('parley-widget .launcher .open')
const panel = () => page.locator('parley-widget [role=dialog]').first()

test('the start page leads to the demo shop, which is accessible by day and night and fits every width', async () => {
  await page.goto('/')
  await page.locator('[data-door=demo] a').click()
  await page.waitForURL('**/demo')
  expect(parley.demoShop).toBe(`${parley.url}/demo`)
  await launcher().waitFor()
  await assertAccessible(page)
  await screenshot(page, 'demo-light')
  await page.emulateMedia({ colorScheme: 'dark' })
  await assertAccessible(page, { coloursOnly: true })
  await screenshot(page, 'demo-dark')
  for (const size of [sizes.phone, sizes.narrowest]) {
    await page.setViewportSize(size)
    await assertFits(page)
  }
  await screenshot(page, 'demo-narrowest')
})

test('V4: a question that the page has written is answered from the shop’s documents', async () => {
  await page.goto('/demo')
  await launcher().waitFor()
  await page.getByRole('button', { name: 'Ask about your country' }).click()
  await panel().waitFor()
  expect(await panel().locator('textarea').inputValue()).toBe('How long does delivery to Austria take?')
  await page.keyboard.press('Enter')
  await panel()
    .getByText(/2–3\s+working days/)
    .first()
    .waitFor()
  await page.setViewportSize({ width: 1280, height: 900 })
  await page.screenshot({ path: 'tests/screenshots/demo-answer.png' })
  await page.setViewportSize(sizes.phone)
  await page.screenshot({ path: 'tests/screenshots/demo-answer-phone.png' })
})

test.each([
  ['How long does delivery take?', /1–2\s+working days/],
  ['Can I return it?', /within 30\s+days/],
  ['How do I care for oak?', /with a damp cloth/],
])('V5: the proposed reply “%s” gets an answer to it from the shop’s documents', async (reply, answer) => {
  await page.goto('/demo')
  await launcher().click()
  const proposed = panel().locator('.welcome .chip')
  await proposed.first().waitFor()
  expect(await proposed.count()).toBe(3)
  await proposed.filter({ hasText: reply }).click()
  await panel().locator('article:not(.own)', { hasText: answer }).waitFor()
})
