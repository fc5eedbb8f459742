import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { assertAccessible, launchBrowser, screenshot } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { type Guest, type HostSite, openHostSite } from '../support/hostSite.ts'
import type { Person } from '../support/people.ts'
import { quickMember } from '../support/quickPeople.ts'
import { connectMember, type TestSocket, text } from '../support/sockets.ts'
import { upload } from '../support/uploads.ts'

let site: HostSite
let browser: Browser
let guest: Guest
let colleague: TestSocket & { readonly person: Person }
let key: string

beforeAll(async () => {
  ;[site, browser] = await Promise.all([openHostSite(), launchBrowser()])
  key = await site.widget()
  const { parley, workspace } = site
  const person = await quickMember(parley, workspace, 'support_agent')
  colleague = { ...(await connectMember(parley.url, person)), person }
})
afterAll(async () => {
  colleague.close()
  await browser.close()
  await site.remove()
})
beforeEach(async () => {
  guest = await site.visit(browser)
})
afterEach(async () => {
  guest.assertClean()
  await guest.close()
})

const badge = () => guest.page.locator('parley-widget .launcher b')
const teaser = () => guest.page.locator('parley-widget .say')

async function open(): Promise<void> {
  await guest.launcher.click()
  await guest.panel.waitFor()
}

async function close(): Promise<void> {
  await guest.launcher.click()
  await guest.panel.waitFor({ state: 'hidden' })
}

/** Somebody who has asked something, closed the chat and is on the page; returns how a person answers them, by words or by a file. */
async function asked(about: string): Promise<(words: string, file?: string) => Promise<void>> {
  const question = `${about} ${newId()}`
  await guest.page.goto(site.put({ key }))
  await open()
  await guest.panel.locator('textarea').fill(question)
  await guest.page.keyboard.press('Enter')
  const found = async () => {
    const { rows } = await site.parley.owner.query('select conversation_id from messages where text = $1', [
      question,
    ])
    return rows[0]?.conversation_id as string | undefined
  }
  await eventually('it is stored', async () => (await found()) !== undefined)
  await guest.panel.locator('.own .bubble').getByText(question).waitFor()
  await close()
  const conversationId = (await found()) ?? ''
  const fileOf = async (name: string) => {
    const file = { name, type: 'text/plain', body: 'The plan' }
    const { body } = await upload(site.parley, colleague.person, conversationId, file)
    return [{ type: 'file' as const, fileId: body.id, name }]
  }
  return async (words, file) => {
    const parts = file ? await fileOf(file) : text(words)
    await colleague.ask('message.send', { conversationId, clientId: newId(), parts })
  }
}

const counted = (count: number) =>
  eventually(`${count} on the launcher`, async () => (await badge().textContent()) === String(count))

test('V1: beside the launcher stands what was said, without the signs that only the chat draws', async () => {
  const { person } = colleague
  const nameIt = (name: string) =>
    site.parley.owner.query('update users set name = $2 where id = $1', [person.userId, name])
  await nameIt('\u202eMallory')
  const reply = await asked('How is it written?')
  await reply('- **It** is in [the list](https://shop.example/a_b_c) [1].\n- Order #12 of max_m@shop.example')
  await counted(1)
  await teaser().getByText('It is in the list. Order #12 of max_m@shop.example', { exact: true }).waitFor()
  await open()
  await guest.panel.locator('.author', { hasText: 'Mallory' }).waitFor()
  await close()
  await reply('', 'plan.txt')
  await counted(1)
  await teaser().getByText('File plan.txt', { exact: true }).waitFor()
  expect(await teaser().locator('strong').textContent()).toBe('Mallory')
})

test('V1: what a person writes while the chat is closed is counted and shown at the launcher, on the next page too; opened, it is read', async () => {
  const reply = await asked('Where is my parcel?')
  expect(await badge().isVisible()).toBe(false)
  await reply('It left today.')
  await counted(1)
  await teaser().getByText('It left today.').waitFor()
  await reply('You have it tomorrow.')
  await counted(2)
  await teaser().getByText('You have it tomorrow.').waitFor()
  expect(await teaser().count()).toBe(1)
  expect(await guest.launcher.getAttribute('aria-label')).toMatch(/: 2$/)
  await assertAccessible(guest.page)
  await screenshot(guest.page, 'widget-unread')

  await guest.page.goto(site.put({ key }))
  await counted(2)
  await teaser().getByText('You have it tomorrow.').waitFor()
  await teaser().click()
  await guest.panel.locator('.log').getByText('You have it tomorrow.').waitFor()
  await badge().waitFor({ state: 'hidden' })
  expect(await teaser().count()).toBe(0)
  await close()
  expect(await badge().isVisible()).toBe(false)
  await eventually('the server knows that it was read', async () => {
    const { rowCount } = await site.parley.owner.query(
      `select 1 from read_marks r join messages m on m.conversation_id = r.conversation_id
         where m.id = (select id from messages where text = 'You have it tomorrow.' order by created_at desc limit 1)
           and r.reader_kind = 'contact' and r.public_seq >= m.public_seq`,
    )
    return rowCount === 1
  })

  // The next one is the only one: what was read stays read on the page after it.
  await guest.page.goto(site.put({ key }))
  await guest.launcher.waitFor()
  await reply('Was it there?')
  await teaser().getByText('Was it there?').waitFor()
  await counted(1)
  await open()
  await badge().waitFor({ state: 'hidden' })
  expect(await teaser().count()).toBe(0)
})

describe('V1: sound', () => {
  interface Heard {
    readonly contexts: number
    /** When each of them was to begin. */
    readonly tones: readonly number[]
  }
  const heard = () => guest.page.evaluate<Heard>('heard')

  /** The browser plays as ever, and what it plays is counted. */
  beforeEach(async () => {
    await guest.context.addInitScript(`
      self.heard = { contexts: 0, tones: [] }
      self.AudioContext = class extends AudioContext {
        constructor(...input) {
          super(...input)
          heard.contexts++
        }
      }
      self.OscillatorNode = class extends OscillatorNode {
        start(when) {
          heard.tones.push(when)
          super.start(when)
        }
      }`)
  })

  test('is made once for each reply that comes while the chat is closed, and none while it is open', async () => {
    const reply = await asked('Is it loud?')
    expect(await heard()).toEqual({ contexts: 0, tones: [] })
    await reply('No.')
    await counted(1)
    await eventually('two notes', async () => (await heard()).tones.length === 2)
    await reply('Not at all.')
    await counted(2)
    await eventually('two more', async () => (await heard()).tones.length === 4)
    await open()
    await reply('You see?')
    await guest.panel.locator('.log').getByText('You see?').waitFor()
    await guest.page.waitForTimeout(500)
    const { contexts, tones } = await heard()
    expect(contexts).toBe(1)
    expect(tones).toHaveLength(4)
  })

  test('is none for who has turned it off, on the next page either', async () => {
    const reply = await asked('Can it be quiet?')
    await open()
    await guest.panel.getByRole('button', { name: 'More' }).click()
    await guest.panel.getByRole('menuitem', { name: 'Turn sound off' }).click()
    await close()
    await reply('It can.')
    await counted(1)
    await guest.page.goto(site.put({ key }))
    await counted(1)
    // Only after somebody has done something there may a page make a sound at all.
    await guest.page.click('#own')
    await reply('It stays so.')
    await counted(2)
    await guest.page.waitForTimeout(500)
    expect(await heard()).toEqual({ contexts: 0, tones: [] })
  })
})
