import { SignJWT } from 'jose'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { keptIn } from '../support/keptInBrowser.ts'
import { enterShop, openWidgetWorld, type Shopper, type WidgetWorld } from '../support/widgetWorld.ts'

let world: WidgetWorld
let browser: Browser
let secret: string
beforeAll(async () => {
  ;[world, browser] = await Promise.all([openWidgetWorld(), launchBrowser()])
  world.model.always('chat', { text: 'So it is.' })
  const { owner } = world.workspace
  const { body } = await owner.call<{ items: { id: string; publicKey: string }[] }>('get', '/api/v1/widgets')
  const id = body.items.find(({ publicKey }) => publicKey === world.widgetKey)?.id
  const made = await owner.call<{ secret: string }>('post', `/api/v1/widgets/${id}/identity-secret`)
  secret = made.body.secret
})
afterAll(async () => {
  await browser.close()
  await world.remove()
})

const sign = (subject: string, until = '1h') =>
  new SignJWT({ name: subject })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setExpirationTime(until)
    .sign(new TextEncoder().encode(secret))

const saidBy = async (text: string): Promise<string | null | undefined> => {
  const { rows } = await world.parley.owner.query(
    `select c.external_id from messages m join conversations t on t.id = m.conversation_id
      join contacts c on c.id = t.contact_id where m.text = $1`,
    [text],
  )
  return rows[0]?.external_id
}

/** The next page of this browser is one on which the site says that. */
const nextPage = async (shopper: Shopper, identity: string): Promise<Shopper> => {
  await shopper.context.addInitScript(`self.shop.identity = ${JSON.stringify(identity)}`)
  return shopper.tab()
}

test('V3: who comes to a page as somebody else finds nothing of who was there, and sends nothing of theirs', async () => {
  const ada = await enterShop(browser, world, { identity: await sign('ada') })
  ada.forgive(/net::|WebSocket/)
  await ada.open()
  await ada.say('Ada was here')
  await ada.log.getByText('So it is.').waitFor()
  await ada.context.setOffline(true)
  await ada.say('Ada wrote this offline')
  await ada.composer.fill('Ada is typing a secret')
  await eventually('it is kept', async () =>
    Object.values(await keptIn(ada.page)).includes('Ada is typing a secret'),
  )
  await ada.page.close()
  await ada.context.setOffline(false)
  const bob = await nextPage(ada, await sign('bob'))
  await bob.open()
  await bob.say('Bob is here')
  await bob.log.getByText('So it is.').waitFor()
  expect(await bob.composer.inputValue()).toBe('')
  expect(await bob.log.getByText('Ada').count()).toBe(0)
  expect(JSON.stringify(await keptIn(bob.page))).not.toContain('Ada')
  expect([await saidBy('Ada was here'), await saidBy('Bob is here')]).toEqual(['ada', 'bob'])
  expect(await saidBy('Ada wrote this offline')).toBeUndefined()
  await ada.close()
})

test('V3: a token that expired before anybody chatted keeps out nobody who is known, and lets in nobody else', async () => {
  const cleo = await enterShop(browser, world, { identity: await sign('cleo') })
  cleo.expectStatus(401)
  await cleo.open()
  await cleo.say('Cleo was here')
  await cleo.log.getByText('So it is.').waitFor()
  const later = await nextPage(cleo, await sign('cleo', '-1h'))
  await later.open()
  await later.log.getByText('Cleo was here').waitFor()
  await later.say('Cleo is still here')
  await eventually('it is said', async () => (await saidBy('Cleo is still here')) === 'cleo')
  expect(await later.told('error')).toMatchObject([{ code: 'token_expired' }])
  await cleo.page.close()
  await later.page.close()
  const dan = await nextPage(cleo, await sign('dan', '-1h'))
  await dan.open()
  await dan.say('Said by nobody known')
  await dan.log.getByText('So it is.').waitFor()
  expect(await saidBy('Said by nobody known')).toBeNull()
  expect(await dan.log.getByText('Cleo').count()).toBe(0)
  cleo.assertClean()
  await cleo.close()
})

test('V3: who has begun another conversation is not thrown back into the one before by a new connection', async () => {
  const fay = await enterShop(browser, world, { identity: await sign('fay') })
  fay.forgive(/net::|WebSocket/)
  await fay.open()
  await fay.say('Fay on one matter')
  await fay.log.getByText('So it is.').waitFor()
  // What is kept is before her on the next page, so that nothing has to be looked for.
  await fay.go()
  await fay.open()
  await fay.log.getByText('Fay on one matter').waitFor()
  await fay.panel.getByRole('button', { name: 'More' }).click()
  await fay.panel.getByRole('menuitem', { name: 'New conversation' }).click()
  await fay.composer.fill('Fay on another matter')
  await fay.context.setOffline(true)
  await fay.panel.getByText(/No connection/).waitFor()
  await fay.context.setOffline(false)
  await fay.panel.getByText(/No connection/).waitFor({ state: 'detached', timeout: 20_000 })
  await fay.page.waitForTimeout(1_000)
  expect(await fay.log.getByText('Fay on one matter').count()).toBe(0)
  await fay.composer.press('Enter')
  await fay.log.getByText('So it is.').waitFor()
  const { rows } = await world.parley.owner.query(
    `select count(distinct conversation_id) from messages where text like 'Fay on %'`,
  )
  expect(rows).toEqual([{ count: '2' }])
  await fay.close()
})

test('V3: what is no token takes nothing from who is here, and is told', async () => {
  const hana = await enterShop(browser, world, { identity: await sign('hana') })
  hana.expectStatus(401)
  await hana.open()
  await hana.say('Hana was here')
  await hana.log.getByText('So it is.').waitFor()
  await hana.composer.fill('Hana is typing')
  await hana.app('identify', 'null')
  await eventually('it is told', async () => (await hana.told('error')).length === 1)
  await hana.log.getByText('Hana was here').waitFor()
  expect(await hana.composer.inputValue()).toBe('Hana is typing')
  await hana.composer.press('Enter')
  await eventually('it is said', async () => (await saidBy('Hana is typing')) === 'hana')
  await hana.close()
})

test('V3: a page that says with each of its renders who is here changes nothing by it', async () => {
  const token = await sign('ivo')
  const ivo = await enterShop(browser, world, { identity: token })
  let connections = 0
  ivo.page.on('websocket', () => connections++)
  await ivo.app('open', { greeting: { rule: 'more', text: 'May I help you?' } })
  await ivo.log.getByText('May I help you?').waitFor()
  await eventually('there is a connection', async () => connections === 1)
  for (let render = 0; render < 3; render++) await ivo.app('identify', token)
  await ivo.log.getByText('May I help you?').waitFor()
  await ivo.page.waitForTimeout(500)
  expect(connections).toBe(1)
  ivo.assertClean()
  await ivo.close()
})

test('V3: who signs out and in again on the same page finds their conversation', async () => {
  const token = await sign('gil')
  const gil = await enterShop(browser, world, { identity: token })
  gil.forgive(/WebSocket/)
  await gil.open()
  // What is theirs is looked for, and there is nothing yet.
  await gil.page.waitForTimeout(1_000)
  await gil.say('Gil was here')
  await gil.log.getByText('So it is.').waitFor()
  await gil.app('logout')
  await gil.app('identify', token)
  await gil.open()
  await gil.log.getByText('Gil was here').waitFor()
  gil.assertClean()
  await gil.close()
})

test('V3: where the site has to say who comes, an expired word is none', async () => {
  await world.setWidget({ identityRequired: true })
  // For as long as the server goes by what it has read before.
  await new Promise(resolve => setTimeout(resolve, 5_500))
  const shopper = await enterShop(browser, world, { identity: await sign('eve', '-1h') })
  shopper.expectStatus(401)
  await shopper.open()
  await shopper.panel.getByText('Please sign in on this website to chat with us.').waitFor()
  await shopper.app('identify', await sign('eve'))
  await shopper.say('Eve is here')
  await shopper.log.getByText('So it is.').waitFor()
  expect(await saidBy('Eve is here')).toBe('eve')
  await world.setWidget({ identityRequired: false })
  await shopper.close()
})
