import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser, screenshot } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { upload } from '../support/uploads.ts'
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

/** Every line that was put into the live region, those that it has left included. */
async function listenTo({ page }: Shopper): Promise<() => Promise<string[]>> {
  await page.evaluate(`{
    self.said = []
    const region = document.querySelector('[role=complementary]').shadowRoot.querySelector('[aria-live=polite]')
    new MutationObserver(changes => {
      for (const { addedNodes } of changes) for (const node of addedNodes) self.said.push(node.textContent)
    }).observe(region, { childList: true })
  }`)
  return () => page.evaluate<string[]>('self.said')
}

const says = (said: () => Promise<string[]>, line: string | RegExp) =>
  eventually(
    `it says ${line}`,
    async () => (await said()).some(one => (line instanceof RegExp ? line.test(one) : one === line)),
    15_000,
    async () => JSON.stringify(await said()),
  )

test('V7: what happens and what comes as a file is said in the language of the visitor', async () => {
  const shopper = await enterShop(browser, world, { language: 'de' })
  await shopper.open()
  const said = await listenTo(shopper)
  await shopper.say('Auf Deutsch, bitte')
  await says(said, 'Nora: So it is.')
  const colleague = await world.colleague()
  const { rows } = await world.parley.owner.query(
    `select conversation_id from messages where text = 'Auf Deutsch, bitte'`,
  )
  const conversationId = rows[0].conversation_id
  const { conversation } = await colleague.ask('conversation.open', { conversationId })
  await colleague.ask('conversation.claim', { conversationId, clientId: 'claim', epoch: conversation.epoch })
  await says(said, /ist der Unterhaltung beigetreten\.$/)
  expect((await said()).filter(line => /taken over/.test(line))).toEqual([])
  const sent = { name: 'plan.txt', type: 'text/plain', body: 'The plan' }
  const { body: file } = await upload(world.parley, colleague.person, conversationId, sent)
  const fileId = file.id
  const parts = [{ type: 'file' as const, fileId, name: 'plan.txt' }]
  await colleague.ask('message.send', { conversationId, clientId: 'file', parts })
  await says(said, /: Datei plan\.txt$/)
  colleague.close()
  shopper.assertClean()
  await shopper.close()
})

test('V7: what was not sent is said, once, and again when it fails again', async () => {
  const shopper = await enterShop(browser, world)
  shopper.forgive(/net::ERR_|WebSocket connection|Failed to load resource/)
  await shopper.open()
  await shopper.say('Hello')
  await shopper.log.getByText('So it is.').waitFor()
  // What is kept of a file that the server does not have cannot be sent.
  await shopper.page.evaluate(`new Promise(resolve => {
    const opening = indexedDB.open('parley:' + self.shop.key)
    opening.onsuccess = () => {
      const file = { key: 'k', name: 'gone.txt', size: 9, kind: 'file', progress: 1, failed: false }
      const uploads = [{ ...file, fileId: '01a00000-0000-7000-8000-000000000000' }]
      opening.result.transaction('kept', 'readwrite').objectStore('kept').put(uploads, 'uploads').onsuccess = resolve
    }
  })`)
  await shopper.go()
  await shopper.open()
  await shopper.panel.getByText('gone.txt').waitFor()
  await shopper.log.getByText('So it is.').waitFor()
  const said = await listenTo(shopper)
  await shopper.say('Here it is')
  await says(said, 'Not sent: Here it is')
  await shopper.say('And something else')
  await says(said, 'Nora: So it is.')
  const times = async () => (await said()).filter(line => line.startsWith('Not sent')).length
  expect(await times()).toBe(1)
  await shopper.log.getByRole('button', { name: 'Try again' }).click()
  await eventually('it says so again', async () => (await times()) === 2)
  expect(
    await shopper.page.evaluate(
      `document.querySelector('[role=complementary]').shadowRoot.activeElement.getAttribute('aria-label')`,
    ),
  ).toBe('Write a message')
  await shopper.close()
})

test('V7: a question in Arabic ends a sentence', async () => {
  const more = 'نحن هنا في أي وقت لنرد على كل ما تريد أن تعرفه عن الطاولات والكراسي '.repeat(3)
  world.answersWith({ text: `هل تريد المساعدة؟ ${more}`, rate: 8 })
  const shopper = await enterShop(browser, world, { language: 'ar' })
  await shopper.open()
  const said = await listenTo(shopper)
  await shopper.say('How long can I return an item?')
  await says(said, 'هل تريد المساعدة؟')
  world.model.always('chat', { text: 'So it is.' })
  await shopper.close()
})

test('V7: read differs from delivered by more than its colour', async () => {
  const colleague = await world.colleague()
  const shopper = await enterShop(browser, world)
  await shopper.open()
  await shopper.say('To be read')
  await shopper.log.getByText('So it is.').waitFor()
  const { rows } = await world.parley.owner.query(
    `select conversation_id from messages where text = 'To be read'`,
  )
  const conversationId = rows[0].conversation_id
  const { head } = await colleague.ask('conversation.open', { conversationId })
  await colleague.ask('mark.set', { conversationId, read: head })
  await shopper.log.locator('.own .meta span:not(.hidden)', { hasText: 'Read' }).waitFor()
  await screenshot(shopper.page, 'widget-read')
  colleague.close()
  await shopper.close()
})
