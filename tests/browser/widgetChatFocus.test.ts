import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { assertAccessible, launchBrowser, sizes } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { enterShop, openWidgetWorld, type Shopper, type WidgetWorld } from '../support/widgetWorld.ts'

let world: WidgetWorld
let browser: Browser
beforeAll(async () => {
  ;[world, browser] = await Promise.all([openWidgetWorld(), launchBrowser()])
  world.model.always('chat', { text: 'So it is.' })
})
afterAll(async () => {
  await browser.close()
  await world.remove()
})

/** What has the focus within the widget, and nothing if it is elsewhere. */
const focused = ({ page }: Shopper) =>
  page.evaluate<string>(`{
    const { activeElement } = document.querySelector('[role=complementary]').shadowRoot
    activeElement ? activeElement.getAttribute('aria-label') ?? activeElement.textContent ?? activeElement.id : ''
  }`)

const hasFocus = (shopper: Shopper, name: string) =>
  eventually(
    `${name} has the focus`,
    async () => (await focused(shopper)) === name,
    5_000,
    () => focused(shopper),
  )

/** Everything that the Tab key comes by, up to where it begins again or leaves the widget. */
async function wayOf(shopper: Shopper, key: string, presses = 8): Promise<Set<string>> {
  const seen = new Set<string>()
  for (let press = 0; press < presses; press++) {
    await shopper.page.keyboard.press(key)
    seen.add(await focused(shopper))
  }
  return seen
}

/** Two images of one pixel, in a message of the visitor. */
async function sendPictures({ panel, composer, log }: Shopper): Promise<void> {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  )
  const files = ['one.png', 'two.png'].map(name => ({ name, mimeType: 'image/png', buffer: png }))
  await panel.locator('input[type=file]').setInputFiles(files)
  const send = panel.getByRole('button', { name: 'Send' })
  await eventually(
    'both are uploaded',
    async () => (await send.isEnabled()) && (await panel.locator('.files li').count()) === 2,
    20_000,
  )
  await composer.press('Enter')
  await log.locator('.picture').nth(1).waitFor()
}

test('V7: Escape in the emoji leads back to their button, and the next one closes the chat', async () => {
  const shopper = await enterShop(browser, world)
  const { page, panel } = shopper
  await shopper.open()
  await panel.getByRole('button', { name: 'Emoji' }).click()
  await panel.locator('.emoji').waitFor()
  await hasFocus(shopper, '😀')
  await page.keyboard.press('Escape')
  await panel.locator('.emoji').waitFor({ state: 'detached' })
  await hasFocus(shopper, 'Emoji')
  await page.keyboard.press('Enter')
  await hasFocus(shopper, '😀')
  await page.keyboard.press('Enter')
  await hasFocus(shopper, 'Write a message')
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  await shopper.close()
})

test('V7: what has the focus is never covered: under a sheet nothing is reached', async () => {
  const shopper = await enterShop(browser, world)
  const { page, panel } = shopper
  await shopper.open()
  await shopper.say('Hello')
  await shopper.log.getByText('So it is.').waitFor()
  await panel.getByRole('button', { name: 'More' }).click()
  await panel.getByRole('menuitem', { name: 'Past conversations' }).click()
  await panel.locator('.past button').first().waitFor()
  const seen = await wayOf(shopper, 'Shift+Tab')
  for (const covered of ['Emoji', 'Attach a file', 'Write a message', 'Messages', 'More', 'Close chat'])
    expect(seen).not.toContain(covered)
  await assertAccessible(page)
  await panel.getByRole('dialog').getByRole('button', { name: 'Back' }).focus()
  await page.keyboard.press('Escape')
  await hasFocus(shopper, 'More')
  expect(await wayOf(shopper, 'Tab', 12)).toContain('Write a message')
  await shopper.close()
})

test('V7: a picture over the page holds the focus in both directions, and gives it back', async () => {
  const shopper = await enterShop(browser, world)
  const { page, panel } = shopper
  await shopper.open()
  await sendPictures(shopper)
  await panel.getByRole('button', { name: 'Show one.png larger' }).click()
  const light = panel.locator('.light')
  await light.waitFor()
  // Once from the dialog itself, and then around.
  expect(await wayOf(shopper, 'Shift+Tab', 5)).toEqual(new Set(['Back', 'Next']))
  expect(await wayOf(shopper, 'Tab', 5)).toEqual(new Set(['Back', 'Next']))
  await light.getByRole('button', { name: 'Next' }).click()
  await light.getByRole('button', { name: 'Previous' }).waitFor()
  expect(await focused(shopper), 'what was pressed is gone').not.toBe('')
  await page.keyboard.press('Escape')
  await light.waitFor({ state: 'detached' })
  await hasFocus(shopper, 'Show one.png larger')
  await shopper.close()
})

test('V7: what takes the place of the composer takes its focus, and gives it back', async () => {
  const shopper = await enterShop(browser, world)
  shopper.forgive(/net::ERR_|WebSocket connection|Failed to load resource/)
  shopper.expectStatus(403)
  await shopper.open()
  await shopper.say('Hello?')
  await shopper.log.getByText('So it is.').waitFor()
  const set = (status: string) =>
    world.parley.owner.query('update tenants set status = $2 where id = $1', [
      world.workspace.tenantId,
      status,
    ])
  await hasFocus(shopper, 'Write a message')
  onTestFinished(async () => void (await set('active')))
  await set('suspended')
  await shopper.panel.getByText('This chat is not available at the moment.').waitFor({ timeout: 20_000 })
  await hasFocus(shopper, 'Try again')
  await set('active')
  await new Promise(resolve => setTimeout(resolve, 6_000))
  await shopper.page.keyboard.press('Enter')
  await hasFocus(shopper, 'Write a message')
  await shopper.close()
})

test('V7: the focus of who is somewhere else in the page stays there', async () => {
  const shopper = await enterShop(browser, world)
  shopper.expectStatus(403)
  shopper.forgive(/net::ERR_|WebSocket connection|Failed to load resource/)
  const { page } = shopper
  await shopper.open()
  await shopper.say('Hello, again?')
  await shopper.log.getByText('So it is.').waitFor()
  await page.locator('a').focus()
  const { tenantId } = world.workspace
  await world.parley.owner.query(`update tenants set status = 'suspended' where id = $1`, [tenantId])
  await shopper.panel.getByText('This chat is not available at the moment.').waitFor({ timeout: 20_000 })
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Another page')
  await world.parley.owner.query(`update tenants set status = 'active' where id = $1`, [tenantId])
  await shopper.close()
})

test('V7: who enlarges a page on a phone enlarges a panel that is whole', async () => {
  const phone = { viewport: sizes.phone, hasTouch: true, isMobile: true }
  const shopper = await enterShop(browser, world, phone)
  await shopper.open()
  const height = async () => Math.round((await shopper.panel.boundingBox())?.height ?? 0)
  const before = await height()
  expect(before).toBe(sizes.phone.height)
  const cdp = await shopper.context.newCDPSession(shopper.page)
  await cdp.send('Emulation.setPageScaleFactor', { pageScaleFactor: 2 })
  await eventually('it is enlarged', async () => (await shopper.page.evaluate('visualViewport.scale')) === 2)
  await shopper.page.waitForTimeout(300)
  expect(await shopper.panel.evaluate(element => element.clientHeight)).toBe(before)
  await shopper.close()
})

test('V7: an upload that waits costs no new styles with each key', async () => {
  const shopper = await enterShop(browser, world)
  const { page, panel, composer } = shopper
  await shopper.open()
  await panel
    .locator('input[type=file]')
    .setInputFiles([{ name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('A note') }])
  await panel.locator('.files li').waitFor()
  await page.evaluate(`{
    const { replaceSync } = CSSStyleSheet.prototype
    self.replaced = 0
    CSSStyleSheet.prototype.replaceSync = function (text) { self.replaced++; replaceSync.call(this, text) }
  }`)
  await composer.pressSequentially('Forty keys with a file that waits there.')
  expect(await page.evaluate('self.replaced')).toBe(0)
  await panel.getByRole('button', { name: 'Remove note.txt' }).focus()
  await page.keyboard.press('Enter')
  await hasFocus(shopper, 'Write a message')
  await shopper.close()
})
