import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser, screenshot } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { signed } from '../support/identities.ts'
import type { StartedParley } from '../support/parley.ts'
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

const conversationWith = async (text: string): Promise<string> => {
  const { rows } = await world.parley.owner.query('select conversation_id from messages where text = $1', [
    text,
  ])
  return rows[0].conversation_id
}

test('V3: somebody whom the site knows finds the chat again on another device, and nobody else does', async () => {
  const secret = await world.identitySecret()
  const sign = (sub: string) => signed({ sub, name: 'Ada' }, secret)
  const one = await enterShop(browser, world)
  await one.open()
  await one.say('Said before anybody knew me')
  await one.log.getByText('So it is.').waitFor()
  await one.app('identify', await sign('customer-1'))
  await one.say('Said as myself')
  await eventually('two answers', async () => (await one.log.getByText('So it is.').count()) === 2)
  const other = await enterShop(browser, world, { identity: await sign('customer-1') })
  await other.open()
  await other.log.getByText('Said before anybody knew me').waitFor()
  await other.log.getByText('Said as myself').waitFor()
  // Somebody else on the same device sees nothing of it.
  await other.app('identify', await sign('customer-2'))
  await other.open()
  await eventually('nothing is left', async () => (await other.log.locator('.own').count()) === 0)
  await other.say('Said by another')
  await other.log.getByText('So it is.').waitFor()
  expect(await conversationWith('Said by another')).not.toBe(await conversationWith('Said as myself'))
  await one.close()
  await other.close()
})

test('V8: a chat that answers a proactive message begins with it', async () => {
  const message = 'May I help you to choose a table?'
  await world.setWidget({ behaviour: { proactive: [{ id: 'tables', message, when: { seconds: 5 } }] } })
  const shopper = await enterShop(browser, world)
  await shopper.app('open', { greeting: { rule: 'tables', text: message } })
  await shopper.log.getByText(message).waitFor()
  await shopper.say('Yes, please')
  await shopper.log.getByText('So it is.').waitFor()
  const { rows } = await world.parley.owner.query(
    'select text from messages where conversation_id = $1 and type = $2 order by seq',
    [await conversationWith('Yes, please'), 'text'],
  )
  expect(rows.map(({ text }) => text)).toEqual([message, 'Yes, please', 'So it is.'])
  expect(await shopper.log.getByText(message).count()).toBe(1)
  shopper.assertClean()
  await shopper.close()
})

test('V1: what somebody changes or takes back is shown so', async () => {
  const colleague = await world.colleague()
  const shopper = await enterShop(browser, world)
  const { log } = shopper
  await shopper.open()
  await shopper.say('To be changed')
  await log.getByText('So it is.').waitFor()
  const conversationId = await conversationWith('To be changed')
  const say = (text: string) =>
    colleague.ask('message.send', {
      conversationId,
      clientId: String(text.length),
      parts: [{ type: 'text', text }],
    })
  const [first, second] = [await say('It costs 10 euros.'), await say('A slip.')]
  await log.getByText('A slip.').waitFor()
  const parts = [{ type: 'text' as const, text: 'It costs 12 euros.' }]
  await colleague.ask('message.edit', { conversationId, clientId: 'e', messageId: first.id, parts })
  await colleague.ask('message.delete', { conversationId, clientId: 'd', messageId: second.id })
  await log.getByText('It costs 12 euros.').waitFor()
  await log.getByText('This message was taken back.').waitFor()
  expect(await log.getByText('A slip.').count()).toBe(0)
  await screenshot(shopper.page, 'widget-changed')
  colleague.close()
  shopper.assertClean()
  await shopper.close()
})

test('V1: another language is spoken at once, in its own direction', async () => {
  const shopper = await enterShop(browser, world)
  const { panel } = shopper
  await shopper.open()
  await shopper.composer.fill('Half typed')
  await shopper.app('setLocale', 'de')
  await panel.getByRole('button', { name: 'Chat schließen' }).waitFor()
  await shopper.app('setLocale', 'ar')
  await panel.getByRole('button', { name: 'إغلاق المحادثة' }).waitFor()
  expect(await shopper.page.locator('.parley').getAttribute('dir')).toBe('rtl')
  expect(await shopper.composer.inputValue()).toBe('Half typed')
  shopper.assertClean()
  await shopper.close()
})

test('L2: a server that was gone is found again, and has everything', async () => {
  const shopper = await enterShop(browser, world)
  shopper.forgive(/net::ERR_|WebSocket connection|Failed to load resource|CORS/)
  const { log } = shopper
  await shopper.open()
  await shopper.say('Before it goes')
  await log.getByText('So it is.').waitFor()
  await world.parley.stop()
  await shopper.say('While it is gone')
  await log.getByText('Waiting to be sent').waitFor()
  await shopper.panel.getByText(/No connection/).waitFor({ timeout: 15_000 })
  const again = await (world.parley as StartedParley).restart()
  await eventually('both are answered', async () => (await log.getByText('So it is.').count()) === 2, 30_000)
  expect(await log.locator('.own .bubble').allTextContents()).toEqual(['Before it goes', 'While it is gone'])
  await shopper.close()
  await again.stop()
})
