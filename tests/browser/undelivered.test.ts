import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  assertAccessible,
  assertFits,
  launchBrowser,
  newVisitor,
  screenshot,
  sizes,
  startBrowsable,
} from '../support/browser.ts'
import type { TestParley } from '../support/parley.ts'
import { newPerson, newWorkspace } from '../support/people.ts'
import { connectMember, connectVisitor, newWidget, text, visit } from '../support/sockets.ts'

let parley: TestParley
let browser: Browser
beforeAll(async () => {
  ;[parley, browser] = await Promise.all([startBrowsable(), launchBrowser()])
})
afterAll(async () => {
  await browser.close()
  await parley.remove()
})

test('G7: what a visitor has not received is listed until they have', async () => {
  const person = await newPerson(parley, 'Olga')
  const workspace = await newWorkspace(parley, person)
  const guest = await visit(parley.url, (await newWidget(workspace)).publicKey)
  const away = await connectVisitor(parley.url, guest)
  const { conversation } = await away.ask('conversation.open', { clientId: 'talk' })
  const conversationId = conversation.id
  await away.ask('message.send', { conversationId, clientId: '1', parts: text('Is anybody there?') })
  away.close()
  const member = await connectMember(parley.url, person)
  await member.ask('message.send', { conversationId, clientId: 'a', parts: text('Yes! We are.') })
  await member.ask('message.send', { conversationId, clientId: 'b', parts: text('A note'), note: true })

  const { page, assertClean, close } = await newVisitor(browser, parley.url)
  await page.goto('/undelivered')
  await page.waitForURL('**/sign-in?next=/undelivered')
  await page.fill('#email', person.email)
  await page.fill('#password', person.password)
  await page.keyboard.press('Enter')
  await page.waitForURL('**/undelivered')
  await page.locator('#undelivered li').first().waitFor()
  expect(await page.locator('#undelivered li').count()).toBe(1)
  expect(await page.textContent('#undelivered li')).toMatch(/Yes! We are\.1 message since/)
  await assertAccessible(page)
  await screenshot(page, 'undelivered-light')
  await page.emulateMedia({ colorScheme: 'dark' })
  await assertAccessible(page, { coloursOnly: true })
  for (const size of [sizes.phone, sizes.narrowest]) {
    await page.setViewportSize(size)
    await assertFits(page)
  }
  await screenshot(page, 'undelivered-narrowest')

  const back = await connectVisitor(parley.url, guest)
  const opened = await back.ask('conversation.open', { conversationId })
  await back.ask('mark.set', { conversationId, delivered: opened.head })
  await page.click('#again')
  await page.getByText('Everybody has received everything.').waitFor()
  assertClean()
  back.close()
  member.close()
  await close()
})
