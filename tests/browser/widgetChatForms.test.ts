import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assertAccessible, launchBrowser, screenshot } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { signed } from '../support/identities.ts'
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
    intro: 'So that we can help you better:',
    fields: [
      { name: 'name', type: 'text', required: true },
      { name: 'email', type: 'email', required: true },
      {
        name: 'topic',
        type: 'select',
        label: 'What is it about?',
        options: ['Order', 'Return'],
        required: false,
      },
      { name: 'details', type: 'paragraph', label: 'Order number', required: false },
      { name: 'member', type: 'checkbox', label: 'I have an account', required: false },
    ],
    consent: { text: 'I agree that my message is stored.', url: 'https://shop.example/privacy' },
  },
}

test('V5: the form comes before the chat, says what is missing, and tells the team who it is', async () => {
  const shopper = await enterShop(browser, world, { config: form })
  const { panel, page } = shopper
  await shopper.open()
  await panel.getByRole('button', { name: 'Start chat' }).waitFor()
  await assertAccessible(page)
  await screenshot(page, 'widget-form')
  await panel.getByLabel('E-mail address').fill('nobody')
  await panel.getByRole('button', { name: 'Start chat' }).click()
  await panel.getByText('This is not an e-mail address.').waitFor()
  expect(await panel.getByText('Please fill this in.').count()).toBe(2)
  await assertAccessible(page)
  await screenshot(page, 'widget-form-wrong')
  await panel.getByLabel('Name').fill('Ada Lovelace')
  await panel.getByLabel('E-mail address').fill('ada@customers.example')
  await panel.getByLabel('What is it about?').selectOption('Return')
  await panel.getByLabel('I have an account').check()
  await panel.getByLabel(/I agree that/).check()
  await panel.getByRole('button', { name: 'Start chat' }).click()
  await shopper.say('Hello')
  await shopper.log.getByText('So it is.').waitFor()
  const contact = async () => {
    const { rows } = await world.parley.owner.query(
      `select name, email, metadata from contacts where email = 'ada@customers.example'`,
    )
    return rows[0]
  }
  await eventually('the team knows', async () => (await contact()) !== undefined)
  expect(await contact()).toMatchObject({
    name: 'Ada Lovelace',
    metadata: { attributes: { topic: 'Return', member: true } },
  })
  await shopper.go()
  await shopper.open()
  await shopper.composer.waitFor()
  shopper.assertClean()
  await shopper.close()
})

test('V5: at the end the visitor rates, has the conversation mailed, and begins a new one', async () => {
  const shopper = await enterShop(browser, world)
  const { panel, page, log } = shopper
  await shopper.open()
  await shopper.say('To be rated')
  await log.getByText('So it is.').waitFor()
  const colleague = await world.colleague()
  const { rows } = await world.parley.owner.query(
    `select conversation_id from messages where text = 'To be rated'`,
  )
  const conversationId = rows[0].conversation_id
  const opened = await colleague.ask('conversation.open', { conversationId })
  const { epoch } = opened.conversation
  await colleague.ask('conversation.resolve', { conversationId, clientId: 'end', epoch })
  await log.getByText('This conversation has ended.').waitFor()
  await panel.getByRole('radio', { name: '4 stars of 5' }).check()
  await panel.getByLabel('Anything you would like to add?').fill('Quick and kind.')
  await assertAccessible(page)
  await screenshot(page, 'widget-rating')
  await panel.locator('.rate').getByRole('button', { name: 'Send' }).click()
  await panel.getByText('Thank you for your feedback.').waitFor()
  expect(await shopper.told('rated')).toEqual([{ type: 'rated', rating: 4 }])
  await panel.locator('.rate').getByRole('button', { name: 'E-mail me this conversation' }).click()
  const sheet = panel.getByRole('dialog', { name: 'E-mail me this conversation' })
  await sheet.getByLabel('E-mail address').fill('ada@customers.example')
  await assertAccessible(page)
  await screenshot(page, 'widget-transcript')
  await sheet.getByRole('button', { name: 'Send' }).click()
  await sheet.getByText('It is on its way.').waitFor()
  await page.keyboard.press('Escape')
  await panel.locator('.rate').getByRole('button', { name: 'New conversation' }).click()
  expect(await log.locator('.own').count()).toBe(0)
  colleague.close()
  shopper.assertClean()
  await shopper.close()
})

test('V6: with nobody there it says so, and takes an address instead of letting somebody wait', async () => {
  const shopper = await enterShop(browser, world, {
    config: { hours: { open: false, opensAt: new Date(Date.now() + 86_400_000).toISOString() } },
  })
  const { panel, page, log } = shopper
  await shopper.open()
  await shopper.say('Is anybody there?')
  await log.getByText('So it is.').waitFor()
  await panel.getByRole('button', { name: 'Talk to a person' }).click()
  await panel.getByText(/Nobody is here right now/).waitFor()
  await assertAccessible(page)
  await screenshot(page, 'widget-nobody')
  await panel.getByLabel('E-mail address').fill('later@customers.example')
  await panel.getByRole('button', { name: 'Save' }).click()
  await panel.getByText('We will write to later@customers.example.').waitFor()
  const known = async () =>
    (await world.parley.owner.query(`select 1 from contacts where email = 'later@customers.example'`)).rows
      .length
  await eventually('the team has it', async () => (await known()) === 1)
  shopper.assertClean()
  await shopper.close()
})

test('V5: a page that stays open says by itself when people go and when they come', async () => {
  const later = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString()
  const hours = { open: true, closesAt: later(15), opensAt: later(25) }
  const shopper = await enterShop(browser, world, { config: { hours, agent: null } })
  const { panel } = shopper
  await shopper.open()
  const greeting = panel.locator('.welcome .bubble')
  const nobody = greeting.getByText(/Nobody is here right now/)
  await greeting.getByText(/./).first().waitFor()
  expect(await nobody.count()).toBe(0)
  await nobody.waitFor({ timeout: 30_000 })
  await panel.getByText(/We are back/).waitFor()
  await nobody.waitFor({ state: 'detached', timeout: 30_000 })
  expect(await panel.getByText(/We are back/).count()).toBe(0)
  await shopper.close()
})

test('V3: where the site has to say who comes, it is asked for, and its word lets the visitor in', async () => {
  const shopper = await enterShop(browser, world)
  shopper.expectStatus(401)
  const secret = await world.identitySecret()
  await world.setWidget({ identityRequired: true })
  await new Promise(resolve => setTimeout(resolve, 5_500))
  await shopper.open()
  const asked = shopper.panel.getByText('Please sign in on this website to chat with us.')
  await asked.waitFor()
  expect((await shopper.told('error'))[0]).toMatchObject({ code: 'identity_required' })
  expect(await shopper.composer.count()).toBe(0)
  await assertAccessible(shopper.page)
  // The word of somebody else is none.
  await shopper.app(
    'identify',
    await signed({ sub: 'mallory' }, 'another secret, which the site does not have'),
  )
  await eventually('it is refused', async () =>
    (await shopper.told('error')).some(({ code }) => code === 'unauthenticated'),
  )
  await shopper.app('identify', await signed({ sub: 'customer-7', name: 'Ada' }, secret))
  await shopper.composer.waitFor()
  expect(await asked.count()).toBe(0)
  await shopper.say('Let in')
  await shopper.log.getByText('So it is.').waitFor()
  const { rows } = await world.parley.owner.query(
    `select external_id, verified from contacts where id = (select contact_id from conversations c
       join messages m on m.conversation_id = c.id where m.text = 'Let in')`,
  )
  expect(rows).toEqual([{ external_id: 'customer-7', verified: true }])
  await world.setWidget({ identityRequired: false })
  await shopper.close()
})
