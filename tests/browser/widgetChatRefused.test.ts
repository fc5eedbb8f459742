import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assertAccessible, launchBrowser, screenshot } from '../support/browser.ts'
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

const row = ({ log }: Shopper, words: string) => log.locator('.own', { hasText: words })
const failed = (shopper: Shopper, words: string) => row(shopper, words).getByText('Not sent')
const press = (shopper: Shopper, words: string, name: 'Try again' | 'Discard') =>
  row(shopper, words).getByRole('button', { name }).click()

const conversation = async (words: string): Promise<string> => {
  const { rows } = await world.parley.owner.query('select conversation_id from messages where text = $1', [
    words,
  ])
  return rows[0].conversation_id
}

const stored = async (conversationId: string): Promise<string[]> => {
  const { rows } = await world.parley.owner.query(
    `select text from messages where conversation_id = $1 and role = 'user' order by seq`,
    [conversationId],
  )
  return rows.map(({ text }) => text)
}

test('V1: what the server refuses says so, on the next page too, and is sent again or dropped as the visitor wants', async () => {
  const shopper = await enterShop(browser, world)
  const { page, log } = shopper
  const frames: string[] = []
  page.on('websocket', socket => socket.on('framesent', ({ payload }) => frames.push(String(payload))))
  const times = (words: string) => frames.filter(frame => frame.includes(words)).length
  await shopper.open()
  await shopper.say('Taken')
  await log.getByText('So it is.').waitFor()
  const conversationId = await conversation('Taken')
  const become = (status: string) =>
    world.parley.owner.query('update conversations set status = $2 where id = $1', [conversationId, status])
  const { rows } = await world.parley.owner.query('select status from conversations where id = $1', [
    conversationId,
  ])
  await become('archived')
  for (const words of ['To be repeated', 'To be dropped']) {
    await shopper.say(words)
    await failed(shopper, words).waitFor()
  }
  await assertAccessible(page)
  await screenshot(page, 'widget-not-sent')

  // It is refused again, and stays.
  await press(shopper, 'To be repeated', 'Try again')
  await eventually('it is sent again', () => times('To be repeated') === 2)
  await failed(shopper, 'To be repeated').waitFor()
  await shopper.go()
  await shopper.open()
  await failed(shopper, 'To be dropped').waitFor()
  expect(await log.locator('.own .bubble').allTextContents()).toEqual([
    'Taken',
    'To be repeated',
    'To be dropped',
  ])

  await become(rows[0].status)
  await press(shopper, 'To be repeated', 'Try again')
  await eventually('it is taken', async () => (await failed(shopper, 'To be repeated').count()) === 0)
  await eventually('it is answered', async () => (await log.getByText('So it is.').count()) === 2)
  await press(shopper, 'To be dropped', 'Discard')
  await row(shopper, 'To be dropped').waitFor({ state: 'detached' })
  await shopper.go()
  await shopper.open()
  await shopper.say('The last')
  await eventually('that too is answered', async () => (await log.getByText('So it is.').count()) === 3)
  expect(await log.locator('.own .bubble').allTextContents()).toEqual(['Taken', 'To be repeated', 'The last'])
  expect(await stored(conversationId)).toEqual(['Taken', 'To be repeated', 'The last'])
  shopper.assertClean()
  await shopper.close()
})
