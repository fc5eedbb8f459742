import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { facts } from '../support/answerWorld.ts'
import { assertAccessible, launchBrowser, screenshot } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { enterShop, openWidgetWorld, type Shopper, type WidgetWorld } from '../support/widgetWorld.ts'

let world: WidgetWorld
let browser: Browser
beforeAll(async () => {
  ;[world, browser] = await Promise.all([openWidgetWorld(), launchBrowser()])
})
afterAll(async () => {
  await browser.close()
  await world.remove()
})

const long = {
  text: 'You can return an item **within 30 days** after delivery [1]. Damaged items travel back at our cost. That is all there is to know about it, and here is some more that takes a while to say.',
  rate: 10,
}
const question = 'How long can I return an item?'
const answerIn = ({ panel }: Shopper) => panel.locator('article:not(.own) .bubble').last()

test('V4: an answer streams in, and its citation opens the passage it comes from', async () => {
  world.answersWith(long)
  const shopper = await enterShop(browser, world)
  const { panel, page } = shopper
  await shopper.open()
  await shopper.say(question)
  await panel.getByRole('button', { name: 'Stop answering' }).waitFor()
  await panel.locator('strong', { hasText: 'within 30 days' }).waitFor()
  // Whatever is written so far, no sign of Markdown is ever seen.
  expect(await answerIn(shopper).textContent()).not.toContain('**')
  await assertAccessible(page)
  await screenshot(page, 'widget-streaming')
  await panel.getByRole('button', { name: 'Answer again' }).waitFor()
  expect(await answerIn(shopper).textContent()).toContain('takes a while to say.')
  await panel.getByRole('button', { name: 'Source 1: returns' }).click()
  const sheet = panel.getByRole('dialog', { name: 'returns' })
  await sheet.getByText('You can return an item within 30 days after delivery. Damaged').waitFor()
  await assertAccessible(page)
  await screenshot(page, 'widget-citation')
  await page.keyboard.press('Escape')
  await sheet.waitFor({ state: 'detached' })
  expect(await panel.isVisible()).toBe(true)
  shopper.assertClean()
  await shopper.close()
})

test('V4: sources are counted as they are read, the same while the answer is written as when it stands', async () => {
  const sources = ['[3]', '[1]'] as const
  let given = ''
  world.model.always('chat', ({ body }) => {
    given = JSON.stringify(body.messages)
    const text = `One is there ${sources[0]}, error [404] is none, the other is here ${sources[1]}, and [3] once more. Here is some more that takes a while to say.`
    return { text, rate: 8 }
  })
  const shopper = await enterShop(browser, world)
  const { panel, page, log } = shopper
  await shopper.open()
  await shopper.say('Can I return an item, do parcels go to Norway, and is oiled oak wiped?')
  const marks = () => answerIn(shopper).locator('.cite').allTextContents()
  await panel.getByRole('button', { name: 'Stop answering' }).waitFor()
  await answerIn(shopper).getByText('and 1 once more').waitFor()
  expect(await panel.getByRole('button', { name: 'Stop answering' }).isVisible()).toBe(true)
  expect(await marks()).toEqual(['1', '2', '1'])
  expect(await answerIn(shopper).textContent()).toContain('error [404] is none')
  await panel.getByRole('button', { name: 'Answer again' }).waitFor()
  expect(await marks()).toEqual(['1', '2', '1'])
  expect(await answerIn(shopper).textContent()).toContain('error [404] is none')
  const chips = log.locator('.sources .chip')
  const titles = sources.map(
    own => given.match(new RegExp(`\\${own.slice(0, -1)}\\] (\\w+)`))?.[1] ?? 'not given',
  )
  expect(await chips.allTextContents()).toEqual(titles.map((title, at) => `${at + 1}${title}`))
  for (const [at, title] of titles.entries())
    for (const mark of [answerIn(shopper).locator('.cite').nth(at), chips.nth(at)]) {
      await mark.click()
      await panel
        .getByRole('dialog', { name: title })
        .getByText(facts[title as keyof typeof facts])
        .waitFor()
      await page.keyboard.press('Escape')
      await panel.getByRole('dialog', { name: title }).waitFor({ state: 'detached' })
    }
  shopper.assertClean()
  await shopper.close()
})

test('V4: what could not be had to read is asked for again by who wants it', async () => {
  world.answersWith({ text: 'Within 30 days [1].' })
  const shopper = await enterShop(browser, world)
  const { panel, page } = shopper
  await shopper.open()
  await shopper.say(question)
  const source = panel.getByRole('button', { name: 'Source 1: returns' })
  await source.waitFor()
  const sheet = panel.locator('.sheet')
  const failsWithout = async (table: string, open: () => Promise<void>) => {
    const { owner } = world.parley
    const back = () => owner.query(`alter table if exists mislaid rename to ${table}`)
    onTestFinished(async () => void (await back()))
    await owner.query(`alter table ${table} rename to mislaid`)
    await open()
    await sheet.getByRole('alert').getByText('Something went wrong.').waitFor()
    await assertAccessible(page)
    await back()
    await sheet.getByRole('button', { name: 'Try again' }).click()
  }
  await failsWithout('knowledge_chunks', () => source.click())
  await sheet.getByText(facts.returns).waitFor()
  await page.keyboard.press('Escape')
  await failsWithout('conversations', async () => {
    await panel.getByRole('button', { name: 'More' }).click()
    await panel.getByRole('menuitem', { name: 'Past conversations' }).click()
  })
  await sheet.locator('.past button').first().waitFor()
  shopper.assertClean()
  await shopper.close()
})

test('V4: a reload in the middle of an answer goes on with it', async () => {
  world.answersWith({ ...long, rate: 6 })
  const shopper = await enterShop(browser, world)
  await shopper.open()
  await shopper.say(question)
  await shopper.panel.locator('strong', { hasText: 'within 30 days' }).waitFor()
  await shopper.go()
  await shopper.open()
  await shopper.panel.getByRole('button', { name: 'Stop answering' }).waitFor()
  await shopper.log.locator('strong', { hasText: 'within 30 days' }).waitFor()
  await shopper.panel.getByRole('button', { name: 'Answer again' }).waitFor()
  expect(await answerIn(shopper).textContent()).toContain('takes a while to say.')
  expect(await shopper.panel.locator('article.own').count()).toBe(1)
  shopper.assertClean()
  await shopper.close()
})

test('V4: what was said before the stop button stays; another answer takes its place', async () => {
  world.answersWith({ ...long, rate: 4 }, { text: 'Within thirty days.' })
  const shopper = await enterShop(browser, world)
  const { panel } = shopper
  await shopper.open()
  await shopper.say(question)
  await panel.locator('strong', { hasText: 'within' }).waitFor()
  await panel.getByRole('button', { name: 'Stop answering' }).click()
  await panel.getByRole('button', { name: 'Answer again' }).waitFor()
  expect(await answerIn(shopper).textContent()).toMatch(/^You can return an item within/)
  expect(await answerIn(shopper).textContent()).not.toMatch(/takes a while to say\.|\*/)
  await panel.getByRole('button', { name: 'Answer again' }).click()
  await shopper.log.getByText('Within thirty days.').waitFor()
  // While it is written, the one before it still stands.
  await eventually('it stands alone', async () => (await panel.locator('article:not(.own)').count()) === 2)
  expect(await shopper.log.textContent()).not.toContain('You can return an item within')
  shopper.assertClean()
  await shopper.close()
})

test('V6: asks for a person, waits in line, is taken over live, and reads what they say', async () => {
  const colleague = await world.colleague()
  const shopper = await enterShop(browser, world)
  const { panel, page } = shopper
  world.answersWith({ text: 'Yes.' })
  await shopper.open()
  await shopper.say(question)
  await panel.getByRole('button', { name: 'Talk to a person' }).click()
  await panel.getByText('This conversation was passed on').waitFor()
  await panel.getByText(/in line/).waitFor()
  await assertAccessible(page)
  await screenshot(page, 'widget-queue')
  expect(await shopper.told('escalated')).toHaveLength(1)
  const { conversations } = await colleague.ask('inbox.subscribe', {})
  const waiting = conversations.find(({ owner }) => owner === 'queue')
  const conversationId = waiting?.id ?? ''
  const opened = await colleague.ask('conversation.open', { conversationId })
  await colleague.ask('conversation.claim', {
    ...{ conversationId, clientId: 'claim', epoch: opened.conversation.epoch },
  })
  await shopper.log.getByText('has joined the conversation.').waitFor()
  await colleague.ask('typing.set', { conversationId, typing: true })
  await panel.locator('.dots').waitFor()
  await colleague.ask('message.send', {
    ...{ conversationId, clientId: 'hello' },
    parts: [{ type: 'text', text: 'Hello! I have your order before me.' }],
  })
  await shopper.log.getByText('I have your order before me.').waitFor()
  await assertAccessible(page)
  await screenshot(page, 'widget-person')
  // Read on the other side, as it is seen here; and read here once they have.
  await colleague.next('mark', ({ read, reader }) => reader.kind === 'contact' && read >= 4)
  await shopper.say('Thank you!')
  await colleague.next('entries', ({ entries }) => entries.some(({ text }) => text === 'Thank you!'))
  const { head } = await colleague.ask('history.read', { conversationId, after: 0 })
  await colleague.ask('mark.set', { conversationId, read: head })
  await panel.locator('.own').last().locator('.seen').waitFor()
  colleague.close()
  shopper.assertClean()
  await shopper.close()
})

test('V7: a streamed answer is announced in whole sentences, and no word of it twice', async () => {
  world.answersWith({ ...long, rate: 9 })
  const shopper = await enterShop(browser, world)
  const { page, panel } = shopper
  await shopper.open()
  await page.evaluate(`{
    self.announced = []
    const live = document.querySelector('div[role=complementary]').shadowRoot.querySelector('[aria-live=polite]')
    new MutationObserver(changes => {
      for (const { addedNodes } of changes) for (const node of addedNodes) self.announced.push(node.textContent)
    }).observe(live, { childList: true })
  }`)
  await shopper.say(question)
  await panel.getByRole('button', { name: 'Answer again' }).waitFor()
  const announced = () => page.evaluate<string[]>('self.announced')
  await eventually('all of it is announced', async () =>
    /takes a while to say\.$/.test((await announced()).at(-1) ?? ''),
  )
  const all = await announced()
  expect(all.length).toBeGreaterThan(1)
  expect(all.length).toBeLessThan(6)
  for (const sentence of all) expect(sentence).toMatch(/[.!?]$/)
  expect(all.join(' ')).toBe(
    'You can return an item within 30 days after delivery. Damaged items travel back at our cost. That is all there is to know about it, and here is some more that takes a while to say.',
  )
  await shopper.close()
})
