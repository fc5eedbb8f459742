import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
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

const conversationWith = async (text: string): Promise<string> => {
  const { rows } = await world.parley.owner.query('select conversation_id from messages where text = $1', [
    text,
  ])
  return rows[0]?.conversation_id
}

async function talkAbout(text: string): Promise<Shopper> {
  const shopper = await enterShop(browser, world)
  await shopper.open()
  await shopper.say(text)
  await shopper.log.getByText('So it is.').waitFor()
  return shopper
}

const inComposer = ({ composer }: Shopper, text: string) =>
  eventually(`"${text}" is in the composer`, async () => (await composer.inputValue()) === text)

const newConversation = async ({ panel }: Shopper) => {
  await panel.getByRole('button', { name: 'More' }).click()
  await panel.getByRole('menuitem', { name: 'New conversation' }).click()
}

const keptWaiting = async (shopper: Shopper) =>
  Object.keys(await keptIn(shopper.page)).filter(key => key.includes('client/outbox/'))

test('V3: what is typed is the same in every tab, and sent from one of them it is sent', async () => {
  const one = await talkAbout('Two tabs')
  const other = await one.tab()
  await other.open()
  await one.composer.fill('Typed in the first')
  await inComposer(other, 'Typed in the first')
  await other.composer.press('End')
  await other.composer.pressSequentially(', ended in the second')
  await inComposer(one, 'Typed in the first, ended in the second')
  await other.composer.press('Enter')
  await inComposer(one, '')
  await one.log.locator('.own', { hasText: 'Typed in the first, ended in the second' }).waitFor()
  // A file that one of them has brought is sent by the other.
  const file = { name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('A plan') }
  await one.panel.locator('input[type=file]').setInputFiles(file)
  await other.panel.getByText('plan.txt').waitFor()
  await other.say('With a plan')
  await one.panel.locator('.files').waitFor({ state: 'detached' })
  await one.log.getByRole('button', { name: 'Download plan.txt' }).waitFor()
  one.assertClean()
  await one.close()
})

test('V2: a text of the page never takes the place of what the visitor wrote, on an earlier page either', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.open()
  await shopper.composer.fill('My long unsent words')
  await eventually('they are kept', async () =>
    Object.values(await keptIn(shopper.page)).includes('My long unsent words'),
  )
  await shopper.go()
  await shopper.app('open', { text: 'Text of the page' })
  await inComposer(shopper, 'My long unsent words')
  await shopper.composer.fill('')
  await shopper.go()
  await shopper.app('open', { text: 'Text of the page' })
  await inComposer(shopper, 'Text of the page')
  await shopper.close()
})

test('V3: what waited for a conversation that is gone stands in the composer', async () => {
  const shopper = await talkAbout('Soon gone')
  const conversationId = await conversationWith('Soon gone')
  await shopper.context.setOffline(true)
  await shopper.say('My precious words')
  await shopper.log.getByText('Waiting to be sent').waitFor()
  await shopper.composer.fill('and more')
  await world.parley.owner.query('delete from messages where conversation_id = $1', [conversationId])
  await world.parley.owner.query('delete from conversations where id = $1', [conversationId])
  await shopper.context.setOffline(false)
  await shopper.panel.getByRole('button', { name: 'New conversation' }).click({ timeout: 20_000 })
  await inComposer(shopper, 'My precious words\nand more')
  await eventually('nothing of it waits any more', async () => (await keptWaiting(shopper)).length === 0)
  await shopper.composer.press('Enter')
  await shopper.log.getByText('So it is.').waitFor()
  expect(await conversationWith('My precious words\nand more')).not.toBe(conversationId)
  await shopper.close()
})

test('V3: a visitor whom the server has forgotten keeps what waited in every conversation', async () => {
  const shopper = await talkAbout('The first matter')
  shopper.forgive(/net::|WebSocket/)
  shopper.expectStatus(410)
  // The menu comes when it is needed, for which there is no network later.
  await shopper.panel.getByRole('button', { name: 'More' }).click()
  await shopper.panel.getByRole('menuitem').first().waitFor()
  await shopper.page.keyboard.press('Escape')
  await shopper.context.setOffline(true)
  await shopper.say('Waits in the first')
  await newConversation(shopper)
  await shopper.say('Waits in the second')
  await eventually('both are kept', async () => (await keptWaiting(shopper)).length === 2)
  const { rows } = await world.parley.owner.query('select contact_id from conversations where id = $1', [
    await conversationWith('The first matter'),
  ])
  const gone = await world.workspace.owner.call('delete', `/api/v1/contacts/${rows[0].contact_id}`)
  expect(gone.status).toBeLessThan(300)
  await shopper.context.setOffline(false)
  await eventually(
    'both are in the composer',
    async () => (await shopper.composer.inputValue()) === 'Waits in the first\nWaits in the second',
    20_000,
  )
  expect(await keptWaiting(shopper)).toEqual([])
  await shopper.close()
})

test('V5: a file goes along into another conversation', async () => {
  const shopper = await talkAbout('Before the file')
  const { panel, log } = shopper
  const attach = (name: string) =>
    panel
      .locator('input[type=file]')
      .setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(name) })
  const arrived = () =>
    eventually('it has arrived', async () => (await panel.locator('progress').count()) === 0)
  await attach('along.txt')
  await panel.getByText('along.txt').waitFor()
  await arrived()
  await newConversation(shopper)
  await panel.getByText('along.txt').waitFor()
  await arrived()
  await shopper.say('With the file')
  await log.getByRole('button', { name: 'Download along.txt' }).waitFor()
  await log.getByText('So it is.').waitFor()
  expect(await conversationWith('With the file')).not.toBe(await conversationWith('Before the file'))
  // What is not at hand any more after a reload is said.
  await attach('left.txt')
  await arrived()
  await shopper.go()
  await shopper.open()
  await panel.getByText('left.txt').waitFor()
  await newConversation(shopper)
  await panel.getByText('left.txt could not be uploaded.').waitFor()
  expect(await panel.locator('.files').count()).toBe(0)
  shopper.assertClean()
  await shopper.close()
})

test('V2: after logout no file goes on, and the settings are those of the widget', async () => {
  const shopper = await enterShop(browser, world, { config: { behaviour: { sound: false } } })
  shopper.forgive(/net::|WebSocket/)
  await shopper.open()
  await shopper.say('Files later')
  await shopper.log.getByText('So it is.').waitFor()
  const ends: string[] = []
  shopper.page.on('requestfailed', request => {
    if (request.url().includes('/uploads/')) ends.push('given up')
  })
  shopper.page.on('requestfinished', request => {
    if (request.url().includes('/uploads/')) ends.push('finished')
  })
  const uploading = shopper.page.waitForRequest(/\/uploads\//)
  await shopper.context.route('**/visitor/uploads/**', async route => {
    await new Promise(done => setTimeout(done, 1_500))
    await route.continue().catch(() => undefined)
  })
  const file = { name: 'secret.txt', mimeType: 'text/plain', buffer: Buffer.from('secret') }
  await shopper.panel.locator('input[type=file]').setInputFiles(file)
  await uploading
  await shopper.app('logout')
  await eventually('it has ended', async () => ends.length > 0)
  expect(ends).toEqual(['given up'])
  await shopper.open()
  await shopper.panel.getByRole('button', { name: 'More' }).click()
  await shopper.panel.getByRole('menuitem', { name: 'Turn sound on' }).waitFor()
  await shopper.close()
})

test('V8: what was read here is read on the next page, where the server has not heard of it either', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.context.routeWebSocket(/socket\.io/, socket => {
    const server = socket.connectToServer()
    socket.onMessage(frame => {
      if (!String(frame).includes('mark.set')) server.send(frame)
    })
  })
  await shopper.go()
  await shopper.open()
  await shopper.say('Read and left')
  await shopper.log.getByText('So it is.').waitFor()
  await shopper.go()
  await eventually('the conversation is there', async () =>
    (await shopper.told('known')).some(({ talking }) => talking === true),
  )
  await shopper.page.waitForTimeout(1_000)
  expect(await shopper.told('unread')).toEqual([])
  await shopper.close()
})

test('V8: an ended conversation loads nothing on the next page, and who is spoken to then begins another', async () => {
  const shopper = await talkAbout('To be ended')
  const flagged = (value: string) =>
    eventually(
      `the next page finds ${value}`,
      async () => (await shopper.page.evaluate<string>('Object.values(localStorage).join()')) === value,
    )
  const talking = async () =>
    (await shopper.told('known')).findLast(({ talking }) => talking !== undefined)?.talking
  await flagged('1')
  expect(await talking()).toBe(true)
  const conversationId = await conversationWith('To be ended')
  const colleague = await world.colleague()
  const { conversation } = await colleague.ask('conversation.open', { conversationId })
  await colleague.ask('conversation.resolve', { conversationId, clientId: 'end', epoch: conversation.epoch })
  await shopper.log.getByText('This conversation has ended.').waitFor()
  await eventually('nothing goes on', async () => (await talking()) === false)
  await flagged('0')
  // It is still what the visitor finds.
  await shopper.go()
  await shopper.open()
  await shopper.log.getByText('This conversation has ended.').waitFor()
  await flagged('0')
  await shopper.go()
  const message = 'May I help you once more?'
  await world.setWidget({ behaviour: { proactive: [{ id: 'more', message, when: { seconds: 5 } }] } })
  await shopper.app('open', { greeting: { rule: 'more', text: message } })
  await shopper.log.getByText(message).waitFor()
  await shopper.say('Yes, once more')
  await shopper.log.getByText('So it is.').waitFor()
  expect(await conversationWith('Yes, once more')).not.toBe(conversationId)
  await flagged('1')
  colleague.close()
  await shopper.close()
})
