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

/** What a cut or refused connection writes to the console is no fault of the page. */
const network = /net::ERR_|WebSocket connection|Failed to load resource/

const own = ({ log }: Shopper) => log.locator('.own .bubble')

test('L2: what is written is shown at once; offline it waits, and goes out once and in order', async () => {
  const shopper = await enterShop(browser, world)
  shopper.forgive(network)
  const { panel, page, log, context } = shopper
  await shopper.open()
  await shopper.say('The first')
  await log.getByText('So it is.').waitFor()
  await context.setOffline(true)
  await shopper.say('The second')
  await shopper.say('The third')
  expect(await own(shopper).allTextContents()).toEqual(['The first', 'The second', 'The third'])
  await log.getByText('Waiting to be sent').first().waitFor()
  await panel.getByText(/No connection. What you write is kept/).waitFor()
  await assertAccessible(page)
  await screenshot(page, 'widget-offline')
  await context.setOffline(false)
  await eventually(
    'nothing waits any more',
    async () => (await log.getByText('Waiting to be sent').count()) === 0,
    20_000,
  )
  await panel.getByText(/No connection/).waitFor({ state: 'detached' })
  const stored = async () => {
    const { rows } = await world.parley.owner.query(
      `select text from messages where role = 'user' and text like 'The %' order by seq`,
    )
    return rows.map(({ text }) => text)
  }
  await eventually('all are stored', async () => (await stored()).length >= 3)
  expect(await stored()).toEqual(['The first', 'The second', 'The third'])
  shopper.assertClean()
  await shopper.close()
})

test('L2: what waits for a connection survives the page', async () => {
  const shopper = await enterShop(browser, world)
  shopper.forgive(network)
  const { context, log, page } = shopper
  await shopper.open()
  await shopper.say('Before the outage')
  await log.getByText('So it is.').waitFor()
  // The shop answers, the chat does not.
  await context.route(`${world.parley.url}/**`, route => route.abort())
  await context.routeWebSocket(/socket\.io/, socket => socket.close())
  await page.evaluate(`dispatchEvent(new Event('offline'))`)
  await shopper.say('During the outage')
  await log.getByText('Waiting to be sent').waitFor()
  await page.close()
  await context.unrouteAll()
  const next = await shopper.tab()
  await next.open()
  await eventually(
    'it is there again',
    () => next.log.locator('.own', { hasText: 'During the outage' }).isVisible(),
    20_000,
    () => next.panel.innerText(),
  )
  await eventually(
    'it was sent',
    async () => (await next.log.getByText('Waiting to be sent').count()) === 0,
    20_000,
  )
  const stored = async () =>
    (await world.parley.owner.query(`select 1 from messages where text = 'During the outage'`)).rows.length
  await eventually('it is stored', async () => (await stored()) === 1)
  await shopper.close()
})

test('V1: where no WebSocket gets through, all of it works by polling', async () => {
  const shopper = await enterShop(browser, world)
  shopper.forgive(network)
  await shopper.page.evaluate(
    `self.WebSocket = class { constructor() { setTimeout(() => this.onclose?.()) } close() {} }`,
  )
  await shopper.open()
  await shopper.say('By polling?')
  await shopper.log.getByText('So it is.').waitFor()
  await shopper.say('And again?')
  await eventually('two answers', async () => (await shopper.log.getByText('So it is.').count()) === 2)
  shopper.assertClean()
  await shopper.close()
})

test('V1: where a WebSocket cannot even be made, all of it works by polling', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.page.evaluate(
    `self.WebSocket = class { constructor() { throw new DOMException('forbidden', 'SecurityError') } }`,
  )
  await shopper.open()
  await shopper.say('By polling, then?')
  await shopper.log.getByText('So it is.').waitFor()
  shopper.assertClean()
  await shopper.close()
})

test('V1: a WebSocket that is neither opened nor refused holds nobody up for long', async () => {
  const shopper = await enterShop(browser, world)
  shopper.forgive(network)
  await shopper.page.evaluate(`self.WebSocket = class { close() {} }`)
  await shopper.open()
  await shopper.say('Is it swallowed?')
  await shopper.log.getByText('So it is.').waitFor({ timeout: 15_000 })
  shopper.assertClean()
  await shopper.close()
})

test('V1: blocked storage costs the memory of the next page and nothing else', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.context.addInitScript(`
    Object.defineProperty(self, 'indexedDB', { get() { throw new Error('blocked') } })
    Object.defineProperty(self, 'localStorage', { get() { throw new Error('blocked') } })
    self.BroadcastChannel = class { constructor() { throw new DOMException('blocked', 'SecurityError') } }`)
  await shopper.go()
  await shopper.open()
  await shopper.say('Is anything kept?')
  await shopper.log.getByText('So it is.').waitFor()
  await shopper.go()
  await shopper.open()
  expect(await own(shopper).count()).toBe(0)
  shopper.assertClean()
  await shopper.close()
})

/** A database that opens eight seconds after it was asked for. */
const slowDatabase = `{
  const open = indexedDB.open
  IDBFactory.prototype.open = function (...input) {
    const opening = { set onsuccess(then) { this.then = then } }
    setTimeout(() => {
      const real = Object.assign(open.apply(this, input), {
        onupgradeneeded: () => { opening.result = real.result; opening.onupgradeneeded() },
        onsuccess: () => { opening.result = real.result; opening.then() },
      })
    }, 8_000)
    return opening
  }
}`

test('V1: a database that is slow to open holds nobody up for long, and keeps what there is by then', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.page.evaluate(slowDatabase)
  await shopper.open()
  await shopper.say('Sent before it opened')
  await shopper.log.getByText('So it is.').waitFor()
  expect(await shopper.composer.inputValue()).toBe('')
  await shopper.composer.fill('And begun')
  await eventually(
    'it is kept',
    () => shopper.page.evaluate<boolean>(`Object.keys(localStorage).some(key => key.startsWith('parley:'))`),
    20_000,
  )
  await shopper.page.waitForTimeout(300)
  await shopper.go()
  await shopper.open()
  await shopper.log.locator('.own', { hasText: 'Sent before it opened' }).waitFor()
  await eventually('the draft too', async () => (await shopper.composer.inputValue()) === 'And begun')
  // Who was here before is found late, and goes on then.
  await shopper.context.addInitScript(slowDatabase)
  await shopper.go()
  await shopper.open()
  await shopper.page.waitForTimeout(6_000)
  await shopper.say('Said by nobody known')
  await shopper.log.locator('.own', { hasText: 'Sent before it opened' }).waitFor()
  await eventually('the draft too', async () => (await shopper.composer.inputValue()) === 'And begun')
  shopper.assertClean()
  await shopper.close()
})

test('V1: a clock that is days off decides nothing', async () => {
  const shopper = await enterShop(browser, world)
  await shopper.page.clock.install({ time: new Date(Date.now() + 9 * 86_400_000) })
  await shopper.go()
  await shopper.page.clock.resume()
  await shopper.open()
  await shopper.say('What day is it?')
  await shopper.log.getByText('So it is.').waitFor()
  expect(await own(shopper).allTextContents()).toEqual(['What day is it?'])
  shopper.assertClean()
  await shopper.close()
})

test('V3: a visitor whom the server has forgotten begins anew and keeps what they typed', async () => {
  const shopper = await enterShop(browser, world)
  shopper.expectStatus(410)
  await shopper.open()
  await shopper.say('Remember me')
  await shopper.log.getByText('So it is.').waitFor()
  await shopper.composer.fill('Still typing')
  const { rows } = await world.parley.owner.query(
    `select contact_id from conversations c join messages m on m.conversation_id = c.id where m.text = 'Remember me'`,
  )
  const gone = await world.workspace.owner.call('delete', `/api/v1/contacts/${rows[0].contact_id}`)
  expect(gone.status).toBeLessThan(300)
  await eventually('nothing is left of it', async () => (await own(shopper).count()) === 0, 20_000)
  expect(await shopper.composer.inputValue()).toBe('Still typing')
  await shopper.composer.press('Enter')
  await shopper.log.getByText('So it is.').waitFor()
  expect(await own(shopper).allTextContents()).toEqual(['Still typing'])
  await shopper.close()
})

test('S4: a suspended workspace is said in plain words', async () => {
  const shopper = await enterShop(browser, world)
  shopper.forgive(network)
  shopper.expectStatus(403)
  await shopper.open()
  await shopper.say('Hello?')
  await shopper.log.getByText('So it is.').waitFor()
  const set = (status: string) =>
    world.parley.owner.query('update tenants set status = $2 where id = $1', [
      world.workspace.tenantId,
      status,
    ])
  await set('suspended')
  await shopper.panel.getByText('This chat is not available at the moment.').waitFor({ timeout: 20_000 })
  await assertAccessible(shopper.page)
  await screenshot(shopper.page, 'widget-refused')
  await set('active')
  await new Promise(resolve => setTimeout(resolve, 6_000))
  await shopper.panel.getByRole('button', { name: 'Try again' }).click()
  await shopper.composer.waitFor()
  await shopper.say('Back again')
  await eventually('answered again', async () => (await shopper.log.getByText('So it is.').count()) === 2)
  await shopper.close()
})
