import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { enterShop, openWidgetWorld, type Shopper, type WidgetWorld } from '../support/widgetWorld.ts'

/** Of the page, in which those functions run. */
declare const KeyboardEvent: new (type: string, init: object) => Event

let world: WidgetWorld
let browser: Browser
beforeAll(async () => {
  ;[world, browser] = await Promise.all([openWidgetWorld(), launchBrowser()])
  world.model.always('chat', { text: 'You can return an item within 30 days [1].' })
})
afterAll(async () => {
  await browser.close()
  await world.remove()
})

const focused = ({ page }: Shopper) =>
  page.evaluate<string>(`{
    const { activeElement } = document.querySelector('[role=complementary]').shadowRoot
    activeElement ? activeElement.getAttribute('aria-label') ?? activeElement.textContent ?? activeElement.id : ''
  }`)

/** Tab, forwards or backwards, until that has the focus. */
async function tabUntil(shopper: Shopper, name: RegExp, key = 'Tab'): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    if (name.test(await focused(shopper))) return
    await shopper.page.keyboard.press(key)
  }
  throw new Error(`${name} cannot be reached; the focus is on ${await focused(shopper)}`)
}

test('V7: a whole chat by keyboard alone, and the focus is never lost', async () => {
  const shopper = await enterShop(browser, world)
  const { page, panel, log } = shopper
  const { keyboard } = page
  await page.locator('a').focus()
  await tabUntil(shopper, /^Chat$/)
  await keyboard.press('Enter')
  await eventually('the composer has the focus', async () => (await focused(shopper)) === 'Write a message')
  await keyboard.type('How long can I')
  await keyboard.press('Shift+Enter')
  await keyboard.type('return an item?')
  await keyboard.press('Enter')
  await log.getByText('How long can I').waitFor()
  expect(await log.locator('.own .bubble').textContent()).toContain('How long can I\nreturn an item?')
  await panel.getByRole('button', { name: 'Answer again' }).waitFor()
  // A source, and back to where one was.
  await tabUntil(shopper, /^Source 1: returns$/, 'Shift+Tab')
  await keyboard.press('Enter')
  const sheet = panel.getByRole('dialog', { name: 'returns' })
  await sheet.waitFor()
  await keyboard.press('Escape')
  await sheet.waitFor({ state: 'detached' })
  await eventually('the focus is back', async () => (await focused(shopper)) === 'Source 1: returns')
  // An emoji, by the arrow keys.
  await tabUntil(shopper, /^Emoji$/)
  await keyboard.press('Enter')
  await panel.locator('.emoji').waitFor()
  await keyboard.press('ArrowRight')
  await keyboard.press('Enter')
  await eventually('it is in the text', async () => (await shopper.composer.inputValue()) === '😃')
  await keyboard.press('Enter')
  await log.locator('.own').nth(1).waitFor()
  // The menu, a person, and the focus goes on in the composer.
  await tabUntil(shopper, /^More$/, 'Shift+Tab')
  await keyboard.press('Enter')
  await eventually('the menu has the focus', async () => (await focused(shopper)) === 'Talk to a person')
  await keyboard.press('ArrowDown')
  await eventually('the next one', async () => (await focused(shopper)) === 'New conversation')
  await keyboard.press('Home')
  await keyboard.press('Enter')
  await log.getByText('This conversation was passed on').waitFor()
  await eventually('the composer has the focus', async () => (await focused(shopper)) === 'Write a message')
  await keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  expect(await focused(shopper)).toBe('Chat')
  shopper.assertClean()
  await shopper.close()
})

test('V7: on a phone the focus stays in the dialog', async () => {
  const shopper = await enterShop(browser, world, { viewport: { width: 390, height: 844 } })
  await shopper.open()
  expect(await shopper.panel.getAttribute('aria-modal')).toBe('true')
  const seen = new Set<string>()
  for (let presses = 0; presses < 20; presses++) {
    seen.add(await focused(shopper))
    await shopper.page.keyboard.press('Tab')
  }
  expect(seen.has('')).toBe(false)
  expect([...seen]).toEqual(expect.arrayContaining(['More', 'Close chat', 'Messages', 'Write a message']))
  await shopper.close()
})

test('V7: Enter that chooses a word of an input method sends nothing', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.open()
  await shopper.composer.fill('にほん')
  await shopper.composer.evaluate(field => {
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true }))
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true }))
  })
  await shopper.page.waitForTimeout(200)
  expect(await shopper.log.locator('.own').count()).toBe(0)
  expect(await shopper.composer.inputValue()).toBe('にほん')
  await shopper.close()
})

test('V1: how much room is left is told before there is none', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.open()
  const shown = (words: string) => shopper.panel.locator('.space', { hasText: words }).waitFor()
  await shopper.composer.fill('x'.repeat(7_500))
  const said: string[] = []
  const say = (words: string) => void said.push(words)
  await shopper.page.exposeFunction('say', say)
  await shopper.page.evaluate(`{
    const { shadowRoot } = document.querySelector('[role=complementary]')
    const region = shadowRoot.querySelector('.tools [role=status]')
    new MutationObserver(() => say(region.textContent))
      .observe(region, { childList: true, characterData: true, subtree: true })
  }`)
  await shopper.composer.press('End')
  await shopper.composer.pressSequentially('abc')
  await shown('497 characters left')
  await shopper.composer.fill('x'.repeat(7_899))
  await shopper.composer.pressSequentially('abc')
  await shown('98 characters left')
  await shopper.composer.fill('x'.repeat(8_000))
  await shown('0 characters left')
  await shopper.composer.pressSequentially('ab')
  await shown('2 characters too many')
  // With each step once, and not with each key.
  const all = ['499 characters left', '100 characters left', '0 characters left', '1 character too many']
  await eventually('all is said', () => said.length >= all.length)
  expect(said).toEqual(all)
  expect(await shopper.panel.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true)
  await shopper.composer.press('Enter')
  expect(await shopper.composer.inputValue()).toHaveLength(8_002)
  await shopper.close()
})

test('V7: the focus on an address in words of one’s own can be seen on their bubble', async () => {
  const shopper = await enterShop(browser, world)
  const { log, page } = shopper
  await shopper.open()
  await shopper.say('It is https://shop.example/a')
  await log.locator('.own a').waitFor()
  await tabUntil(shopper, /^https:/, 'Shift+Tab')
  const outline = await page.evaluate<string>(`{
    const { activeElement } = document.querySelector('[role=complementary]').shadowRoot
    const { outlineColor, outlineStyle, color } = getComputedStyle(activeElement)
    const { backgroundColor } = getComputedStyle(activeElement.closest('.bubble'))
    String([outlineStyle, outlineColor === color, outlineColor === backgroundColor])
  }`)
  expect(outline).toBe('solid,true,false')
  await shopper.close()
})
