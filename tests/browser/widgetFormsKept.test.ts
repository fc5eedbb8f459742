import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { keptIn } from '../support/keptInBrowser.ts'
import { enterShop, openWidgetWorld, type WidgetWorld } from '../support/widgetWorld.ts'

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

const form = {
  preChatForm: {
    enabled: true,
    fields: [
      { name: 'name', type: 'text', required: true },
      { name: 'email', type: 'email', required: true },
      { name: 'details', type: 'paragraph', label: 'Details', required: false },
      { name: 'member', type: 'checkbox', label: 'I have an account', required: false },
    ],
  },
}
const nobody = { hours: { open: false, opensAt: new Date(Date.now() + 86_400_000).toISOString() } }

const contactsCalled = async (name: string) =>
  (await world.parley.owner.query('select name, email, metadata from contacts where name = $1', [name])).rows

test('V1: what is typed into the form before the chat survives Escape and the page, and is gone when it was sent', async () => {
  const shopper = await enterShop(browser, world, { config: form })
  const { panel, page } = shopper
  const values = () =>
    Promise.all([
      panel.getByLabel('Name').inputValue(),
      panel.getByLabel('Details').inputValue(),
      panel.getByLabel('I have an account').isChecked(),
    ])
  await shopper.open()
  await panel.getByLabel('Name').fill('Ada')
  await panel.getByLabel('Details').fill('A long story')
  await panel.getByLabel('I have an account').check()
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  await shopper.open()
  expect(await values()).toEqual(['Ada', 'A long story', true])
  await shopper.go()
  await shopper.open()
  await eventually('it is there', async () => (await values())[0] === 'Ada')
  expect(await values()).toEqual(['Ada', 'A long story', true])
  await panel.getByLabel('E-mail address').fill('ada@kept.example')
  await panel.getByRole('button', { name: 'Start chat' }).click()
  await shopper.composer.waitFor()
  const kept = await page.evaluate(`new Promise(resolve => {
    const opening = indexedDB.open('parley:' + self.shop.key)
    opening.onsuccess = () => {
      const reading = opening.result.transaction('kept').objectStore('kept').getAllKeys()
      reading.onsuccess = () => resolve(reading.result.filter(key => key.startsWith('form/')))
    }
  })`)
  expect(kept).toEqual([])
  shopper.assertClean()
  await shopper.close()
})

test('V1: a rating that is not sent and the address for a transcript survive the page', async () => {
  const shopper = await enterShop(browser, world)
  const { panel, log } = shopper
  await shopper.open()
  await shopper.say('To be rated later')
  await log.getByText('So it is.').waitFor()
  const colleague = await world.colleague()
  const { rows } = await world.parley.owner.query(
    `select conversation_id from messages where text = 'To be rated later'`,
  )
  const conversationId = rows[0].conversation_id
  const { conversation } = await colleague.ask('conversation.open', { conversationId })
  await colleague.ask('conversation.resolve', { conversationId, clientId: 'end', epoch: conversation.epoch })
  const stars = panel.getByRole('radio', { name: '4 stars of 5' })
  const comment = panel.getByLabel('Anything you would like to add?')
  await stars.check()
  await comment.fill('Quick and')
  const transcript = panel.locator('.rate').getByRole('button', { name: 'E-mail me this conversation' })
  await transcript.click()
  await panel.locator('.sheet').getByLabel('E-mail address').fill('ada@half')
  await shopper.go()
  await shopper.open()
  await eventually('the rating is there', () => stars.isChecked())
  expect(await comment.inputValue()).toBe('Quick and')
  await transcript.click()
  const address = panel.locator('.sheet').getByLabel('E-mail address')
  await eventually('the address is there', async () => (await address.inputValue()) === 'ada@half')
  colleague.close()
  shopper.assertClean()
  await shopper.close()
})

test('V5: an address that the server would refuse is not taken', async () => {
  const shopper = await enterShop(browser, world, { config: form })
  const { panel } = shopper
  await shopper.open()
  await panel.getByLabel('Name').fill('Jörg')
  for (const address of ['jörg@example.de', 'a@b.c', 'two@@example.de', 'dot.@example.de']) {
    await panel.getByLabel('E-mail address').fill(address)
    await panel.getByRole('button', { name: 'Start chat' }).click()
    await panel.getByText('This is not an e-mail address.').waitFor()
    expect(await shopper.composer.count(), address).toBe(0)
  }
  await shopper.close()
})

test('V5: of what the server refuses all the same the rest is told, and the visitor hears of it', async () => {
  const shopper = await enterShop(browser, world, { config: form })
  const { panel } = shopper
  // The page says something that is no name of an attribute.
  await shopper.app('setAttributes', { 'first visit': true, plan: 'gold' })
  await shopper.open()
  await panel.getByLabel('Name').fill('Grace Hopper')
  await panel.getByLabel('E-mail address').fill('grace@kept.example')
  await panel.getByRole('button', { name: 'Start chat' }).click()
  await eventually('the team knows', async () => (await contactsCalled('Grace Hopper')).length === 1)
  const [contact] = await contactsCalled('Grace Hopper')
  expect(contact).toMatchObject({ email: 'grace@kept.example', metadata: { attributes: { plan: 'gold' } } })
  expect(await panel.locator('.foot .notice').textContent()).toBe('')
  expect((await shopper.told('error'))[0]).toMatchObject({ code: 'invalid_request' })
  await shopper.close()

  const other = await enterShop(browser, world, { config: form })
  await other.open()
  await other.panel.getByLabel('Name').fill(`${'A name of two hundred letters '.repeat(6)}\u0085`)
  await other.panel.getByLabel('E-mail address').fill('long@kept.example')
  await other.panel.getByRole('button', { name: 'Start chat' }).click()
  await other.panel.locator('.foot').getByText('Something went wrong. Please try again.').waitFor()
  const known = async () =>
    (await world.parley.owner.query(`select name from contacts where email = 'long@kept.example'`)).rows
  await eventually('the team has the address', async () => (await known()).length === 1)
  await other.close()
})

test('V6: who leaves an address is thanked when the server has it, and not before', async () => {
  const shopper = await enterShop(browser, world, { config: nobody })
  shopper.forgive(/net::ERR_|WebSocket connection|Failed to load resource/)
  const { panel, log, context, page } = shopper
  await shopper.open()
  await shopper.say('Is anybody there?')
  await log.getByText('So it is.').waitFor()
  await panel.getByRole('button', { name: 'Talk to a person' }).click()
  const address = panel.getByLabel('E-mail address')
  await address.fill('late@kept.example')
  await context.setOffline(true)
  await page.waitForTimeout(200)
  await panel.getByRole('button', { name: 'Save' }).click()
  await panel
    .locator('.card')
    .getByText(/No connection. What you write is kept/)
    .waitFor({ timeout: 20_000 })
  expect(await panel.getByText(/We will write to late/).count()).toBe(0)
  // It is no fault of the address.
  expect(await panel.locator('.card [aria-invalid], .card [role=alert]').count()).toBe(0)
  await context.setOffline(false)
  await panel.getByText('We will write to late@kept.example.').waitFor({ timeout: 20_000 })
  const { rows } = await world.parley.owner.query(`select 1 from contacts where email = 'late@kept.example'`)
  expect(rows).toHaveLength(1)
  expect(Object.keys(await keptIn(page))).not.toContain('database: form/leave')
  shopper.assertClean()
  await shopper.close()
})
