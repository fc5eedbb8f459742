import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertAccessible, launchBrowser, screenshot, sizes } from '../support/browser.ts'
import {
  enterShop,
  openWidgetWorld,
  type ShopOptions,
  type Shopper,
  type WidgetWorld,
} from '../support/widgetWorld.ts'

/** Of the page, in which those functions run. */
declare const getComputedStyle: (element: unknown) => Readonly<Record<string, string>>
interface Moving {
  getAnimations(): { readonly effect: { getComputedTiming(): { readonly activeDuration: number } } }[]
}

let world: WidgetWorld
let browser: Browser
beforeAll(async () => {
  ;[world, browser] = await Promise.all([openWidgetWorld(), launchBrowser()])
})
afterAll(async () => {
  await browser.close()
  await world.remove()
})

const answer = `You can return an item **within 30 days** after delivery [1]. This is how:

1. Print the label from your account.
2. Pack it \`safely\`.

| Country | Days |
|---|---|
| Norway | 4–6 |

> Damaged items travel back at our cost.

More is told at https://shop.example/returns.`

const config = {
  chatWindow: {
    title: 'Fjord & Oak',
    quickReplies: ['Where is my parcel?', 'How do returns work?', 'Care for oak'],
  },
}

const fits = async ({ panel }: Shopper) => {
  const [wanted, given] = await panel.evaluate(element => [element.scrollWidth, element.clientWidth])
  expect(wanted).toBeLessThanOrEqual(given ?? 0)
  const sideways = await panel.locator('.log').evaluate(element => element.scrollWidth - element.clientWidth)
  expect(sideways).toBe(0)
}

const ways: Readonly<Record<string, ShopOptions>> = {
  light: { config },
  dark: { config, colorScheme: 'dark' },
  rtl: { config, language: 'ar' },
  'rtl-dark': { config, language: 'he', colorScheme: 'dark' },
  phone: { config, viewport: sizes.phone, hasTouch: true },
  narrowest: { config, viewport: sizes.narrowest },
  'yellow-brand': { config: { ...config, appearance: { accent: '#ffd400' } } },
  'dark-brand': { config: { ...config, appearance: { accent: '#101080' } }, colorScheme: 'dark' },
}

describe('V7: nothing that axe can find, and nothing that sticks out:', () => {
  test.each(Object.entries(ways))('%s', async (name, options) => {
    world.answersWith({ text: answer })
    const shopper = await enterShop(browser, world, options)
    const { page, panel, log } = shopper
    if (name === 'light') await screenshot(page, 'widget-closed')
    await shopper.open()
    await panel.locator('.chip').first().waitFor()
    await assertAccessible(page)
    await fits(shopper)
    await screenshot(page, `widget-open-${name}`)
    await shopper.say('How long can I return an item, and how does that work from Norway?')
    await log.locator('.sources').waitFor()
    await assertAccessible(page)
    await fits(shopper)
    await screenshot(page, `widget-answer-${name}`)
    await panel.locator('.head .icon').first().click()
    await panel.locator('[role=menu] button').first().waitFor()
    await assertAccessible(page)
    await page.keyboard.press('Escape')
    await panel.locator('.tools .icon').nth(1).click()
    await panel.locator('.emoji button').first().waitFor()
    await assertAccessible(page)
    if (name === 'light' || name === 'rtl') await screenshot(page, `widget-emoji-${name}`)
    shopper.assertClean()
    await shopper.close()
  })
})

test('V7: twice as large texts stay whole', async () => {
  world.answersWith({ text: answer })
  const shopper = await enterShop(browser, world, {
    config,
    viewport: { width: 640, height: 450 },
    deviceScaleFactor: 2,
  })
  await shopper.open()
  await shopper.say('How long can I return an item?')
  await shopper.log.locator('.sources').waitFor()
  await fits(shopper)
  await assertAccessible(shopper.page)
  await screenshot(shopper.page, 'widget-zoomed')
  await shopper.close()
})

test('V1: the styles of the host do not reach the widget, nor its own the host', async () => {
  const shopper = await enterShop(browser, world, { config })
  const { page, panel, composer } = shopper
  const heading = () => page.locator('h1').evaluate(element => getComputedStyle(element).fontFamily)
  const before = await heading()
  await shopper.open()
  const style = (property: string) =>
    composer.evaluate((element, name) => getComputedStyle(element)[name], property)
  expect(await style('borderTopWidth')).toBe('0px')
  expect(await style('fontSize')).toBe('16px')
  const button = panel.getByRole('button', { name: 'Where is my parcel?' })
  expect(await button.evaluate(element => getComputedStyle(element).textTransform)).toBe('none')
  expect(await heading()).toBe(before)
  shopper.assertClean()
  await shopper.close()
})

test('V7: forced colours leave everything to be seen', async () => {
  world.answersWith({ text: answer })
  const shopper = await enterShop(browser, world, { config, forcedColors: 'active' })
  await shopper.open()
  await shopper.say('How long can I return an item?')
  await shopper.log.locator('.sources').waitFor()
  const border = await shopper.log
    .locator('.bubble')
    .last()
    .evaluate(element => getComputedStyle(element).borderTopStyle)
  expect(border).toBe('solid')
  await screenshot(shopper.page, 'widget-forced-colours')
  await shopper.close()
})

/** The longest of what moves in the widget now, in milliseconds, as often as it is repeated. */
const longestMove = ({ panel }: Shopper) =>
  panel.evaluate(element =>
    (element.getRootNode() as unknown as Moving)
      .getAnimations()
      .reduce((longest, { effect }) => Math.max(longest, effect.getComputedTiming().activeDuration), 0),
  )

test.each([
  ['no-preference', 'what opens rises, and the dots of an answer under way go on'],
  ['reduce', 'nothing moves for who wants no motion'],
] as const)('V7: with the preference %s, %s', async (reducedMotion, _what) => {
  world.answersWith({ text: answer, rate: 5 })
  const shopper = await enterShop(browser, world, { config, reducedMotion })
  const { page, panel, log } = shopper
  const moves: number[] = []
  await shopper.open()
  moves.push(await longestMove(shopper))
  await panel.locator('.head .icon').first().click()
  await panel.locator('[role=menu] button').first().waitFor()
  moves.push(await longestMove(shopper))
  await page.keyboard.press('Escape')
  await shopper.say('How long can I return an item?')
  await log.locator('.dots i').first().waitFor()
  moves.push(await longestMove(shopper))
  if (reducedMotion === 'reduce') expect(Math.max(...moves)).toBeLessThanOrEqual(1)
  else expect(Math.max(...moves)).toBe(Number.POSITIVE_INFINITY)
  shopper.assertClean()
  await shopper.close()
})
