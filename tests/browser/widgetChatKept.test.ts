import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assertAccessible, launchBrowser, screenshot } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { keptIn } from '../support/keptInBrowser.ts'
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

const own = ({ log }: Shopper) => log.locator('.own .bubble')
const answered = (shopper: Shopper, times: number) =>
  eventually(`${times} answers`, async () => (await shopper.log.getByText('So it is.').count()) === times)

test('nothing is kept, and nobody is connected, before the visitor does something', async () => {
  const shopper = await enterShop(browser, world)
  const requests: string[] = []
  shopper.page.on('request', request => void requests.push(request.url()))
  await shopper.go()
  await shopper.page.waitForTimeout(300)
  const left = () =>
    shopper.page.evaluate(`Promise.all([indexedDB.databases(), Object.keys(localStorage), document.cookie])`)
  expect(await left()).toEqual([[], [], ''])
  expect(requests.filter(url => /sessions|socket/.test(url))).toEqual([])
  await shopper.open()
  await eventually('it may keep things now', async () => JSON.stringify(await left()).includes('parley:'))
  expect((await shopper.context.cookies()).length).toBe(0)
  await shopper.close()
})

test('V1: what is typed and not sent survives the page', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.open()
  await shopper.composer.fill('Half a thou')
  await shopper.page.waitForTimeout(100)
  await shopper.go()
  await shopper.open()
  await eventually('it is there', async () => (await shopper.composer.inputValue()) === 'Half a thou')
  await shopper.composer.press('End')
  await shopper.composer.pressSequentially('ght')
  await shopper.composer.press('Enter')
  await answered(shopper, 1)
  await shopper.go()
  await shopper.open()
  await answered(shopper, 1)
  expect(await own(shopper).allTextContents()).toEqual(['Half a thought'])
  expect(await shopper.composer.inputValue()).toBe('')
  shopper.assertClean()
  await shopper.close()
})

test('V3: two tabs of one visitor stay in step', async () => {
  const one = await enterShop(browser, world)
  await one.open()
  const other = await one.tab()
  await other.open()
  await one.say('From the first tab')
  await answered(one, 1)
  await answered(other, 1)
  await other.say('From the second tab')
  await answered(one, 2)
  expect(await own(one).allTextContents()).toEqual(['From the first tab', 'From the second tab'])
  expect(await own(other).allTextContents()).toEqual(['From the first tab', 'From the second tab'])
  await one.app('logout')
  await other.panel.waitFor({ state: 'detached' })
  await one.open()
  expect(await own(one).count()).toBe(0)
  await one.close()
})

test('V2: after logout nothing of the visitor is left in the browser', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.open()
  await shopper.say('A secret')
  await answered(shopper, 1)
  await shopper.composer.fill('Another secret')
  await shopper.app('logout')
  expect(await keptIn(shopper.page)).toEqual({})
  await shopper.open()
  await shopper.page.waitForTimeout(500)
  expect(await own(shopper).count()).toBe(0)
  expect(await shopper.composer.inputValue()).toBe('')
  await shopper.close()
})

test('V5: a new conversation begins, and past ones are found again', async () => {
  const shopper = await enterShop(browser, world)
  const { panel, page } = shopper
  await shopper.open()
  await shopper.say('About tables')
  await answered(shopper, 1)
  await panel.getByRole('button', { name: 'More' }).click()
  await panel.getByRole('menuitem', { name: 'New conversation' }).waitFor()
  await assertAccessible(page)
  await screenshot(page, 'widget-menu')
  await panel.getByRole('menuitem', { name: 'New conversation' }).click()
  expect(await own(shopper).count()).toBe(0)
  await shopper.say('About chairs')
  await answered(shopper, 1)
  await panel.getByRole('button', { name: 'More' }).click()
  await panel.getByRole('menuitem', { name: 'Past conversations' }).click()
  await panel.getByRole('dialog', { name: 'Past conversations' }).locator('.past button').nth(1).waitFor()
  await assertAccessible(page)
  await screenshot(page, 'widget-past')
  await panel.locator('.past button').nth(1).click()
  await own(shopper).getByText('About tables').waitFor()
  await shopper.go()
  await shopper.open()
  await own(shopper).getByText('About tables').waitFor()
  shopper.assertClean()
  await shopper.close()
})

test('V1: with the panel closed, what comes is counted and teased; opened, it is read', async () => {
  const colleague = await world.colleague()
  const shopper = await enterShop(browser, world)
  await shopper.open()
  await shopper.say('Write to me later')
  await answered(shopper, 1)
  // Until then it is only on its way, and could not be read yet.
  await eventually('it was said', async () =>
    (await shopper.told('message')).some(({ direction }) => direction === 'received'),
  )
  await shopper.page.keyboard.press('Escape')
  await shopper.panel.waitFor({ state: 'detached' })
  expect(
    await shopper.page.evaluate(`document.querySelector('[role=complementary]').shadowRoot.activeElement.id`),
  ).toBe('launcher')
  const { conversations } = await colleague.ask('inbox.subscribe', {})
  const conversationId = conversations.find(({ preview }) => preview === 'So it is.')?.id ?? ''
  const parts = [{ type: 'text' as const, text: 'It is later.' }]
  await colleague.ask('message.send', { conversationId, clientId: 'later', parts })
  await eventually('it is counted', async () => {
    const { count, latest } = (await shopper.told('unread')).at(-1) ?? {}
    return count === 1 && JSON.stringify(latest).includes('It is later.')
  })
  await shopper.open()
  await eventually('it is read', async () => (await shopper.told('unread')).at(-1)?.count === 0)
  colleague.close()
  await shopper.close()
})
