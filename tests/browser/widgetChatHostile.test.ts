import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assertAccessible, launchBrowser, screenshot } from '../support/browser.ts'
import { enterShop, openWidgetWorld, type WidgetWorld } from '../support/widgetWorld.ts'

let world: WidgetWorld
let browser: Browser
beforeAll(async () => {
  ;[world, browser] = await Promise.all([openWidgetWorld(), launchBrowser()])
})
afterAll(async () => {
  await browser.close()
  await world.remove()
})

const hostile = [
  '<script>self.broken = 1</script><img src="https://evil.example/a.png" onerror="self.broken=1">',
  '[click](javascript:self.broken=1) [here](data:text/html,<script>self.broken=1</script>) ![](https://evil.example/b.png)',
  'https://shop.example/\u202egpj.exe and [\u202epay here\u202c](https://evil.example/pay)',
  `${'> '.repeat(300)}deep`,
  `${'**a '.repeat(400)}`,
  'a'.repeat(1_500),
].join('\n\n')

test('S6: hostile Markdown neither runs, nor loads, nor breaks the panel', async () => {
  world.model.always('chat', { text: [hostile] })
  const shopper = await enterShop(browser, world)
  const { page, log, panel } = shopper
  await shopper.open()
  await shopper.say(hostile)
  await panel.getByRole('button', { name: 'Answer again' }).waitFor()
  expect(await page.evaluate('self.broken')).toBeUndefined()
  expect(await log.locator('script, .md img').count()).toBe(0)
  for (const href of await log
    .locator('a')
    .evaluateAll(links => links.map(link => (link as unknown as { href: string }).href)))
    expect(href).toMatch(/^https?:/)
  for (const link of await log.locator('a').all()) {
    expect(await link.getAttribute('rel')).toBe('noopener noreferrer nofollow')
    expect(await link.textContent()).not.toMatch(/[\u202a-\u202e]/)
  }
  expect(await log.evaluate(element => element.scrollWidth - element.clientWidth)).toBe(0)
  await assertAccessible(page)
  await screenshot(page, 'widget-hostile')
  shopper.assertClean()
  await shopper.close()
})

test('S6: names of people that would turn the text around or fill the panel do neither', async () => {
  world.model.always('chat', { text: 'So it is.' })
  const name = `\u202eMallory <b>${'M'.repeat(150)}`
  const colleague = await world.colleague()
  await world.parley.owner.query('update users set name = $2 where id = $1', [colleague.person.userId, name])
  const shopper = await enterShop(browser, world)
  const { log, panel, page } = shopper
  await shopper.open()
  await shopper.say('Who are you?')
  await log.getByText('So it is.').waitFor()
  const { rows } = await world.parley.owner.query(
    `select conversation_id from messages where text = 'Who are you?'`,
  )
  const conversationId = rows[0].conversation_id
  const { conversation } = await colleague.ask('conversation.open', { conversationId })
  await colleague.ask('conversation.claim', { conversationId, clientId: 'c', epoch: conversation.epoch })
  const parts = [{ type: 'text' as const, text: 'It is me.' }]
  await colleague.ask('message.send', { conversationId, clientId: 'd', parts })
  await log.getByText('It is me.').waitFor()
  await log.locator('.author', { hasText: 'Mallory' }).waitFor()
  expect(await panel.textContent()).not.toContain('\u202e')
  expect(await panel.evaluate(element => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0)
  await screenshot(page, 'widget-hostile-name')
  colleague.close()
  shopper.assertClean()
  await shopper.close()
})

test('S6: the keys that are typed in the chat are not shortcuts of the page', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.page.evaluate(`for (const name of ['keydown', 'keypress', 'keyup'])
    addEventListener(name, () => { self.heard = [...(self.heard ?? []), name] })`)
  await shopper.open()
  await shopper.composer.pressSequentially('abc')
  expect(await shopper.page.evaluate('self.heard')).toBeUndefined()
  await shopper.close()
})
