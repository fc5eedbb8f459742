import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { assertAccessible, launchBrowser, screenshot, sizes } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { type Guest, type HostSite, openHostSite, parleyOf } from '../support/hostSite.ts'

let site: HostSite
let browser: Browser
let guest: Guest

beforeAll(async () => {
  ;[site, browser] = await Promise.all([openHostSite(), launchBrowser()])
})
afterAll(async () => {
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

const tall = '<div style="height: 4000px"></div>'
const withRules = (...proactive: object[]) => site.widget({ behaviour: { proactive } })
const teaser = () => guest.page.locator('parley-widget .say')
const text = (words: string) => teaser().getByText(words)

async function visit(key: string, body = ''): Promise<void> {
  await guest.page.goto(site.put({ key, body }))
  await guest.launcher.waitFor()
  await eventually('the rules are there', () => guest.asked.some(path => path.startsWith('/widget/teaser-')))
  await guest.page.waitForTimeout(100)
}

/** Nothing comes, also not a little later. */
async function silence(): Promise<void> {
  await guest.page.waitForTimeout(400)
  expect(await teaser().count()).toBe(0)
}

describe('V8: a proactive message comes', () => {
  test('after seconds on the page, read out politely, reached and sent away by the keyboard, and not again', async () => {
    const key = await withRules({ id: 'hello', message: 'Can I help?\nJust ask.', when: { seconds: 1 } })
    await visit(key)
    await silence()
    await text('Can I help?').waitFor()
    expect(await guest.page.locator('parley-widget [role=status]').textContent()).toContain('Can I help?')
    await assertAccessible(guest.page)
    await screenshot(guest.page, 'widget-teaser-light')
    await guest.page.emulateMedia({ colorScheme: 'dark' })
    await assertAccessible(guest.page, { coloursOnly: true })
    await screenshot(guest.page, 'widget-teaser-dark')
    await guest.page.setViewportSize(sizes.narrowest)
    await screenshot(guest.page, 'widget-teaser-phone')
    expect(await guest.page.evaluate('localStorage.length')).toBe(0)

    await guest.page.focus('#own')
    await guest.page.keyboard.press('Tab')
    await guest.page.keyboard.press('Tab')
    const focused = 'document.querySelector("parley-widget").shadowRoot.activeElement?.className'
    expect(await guest.page.evaluate(focused)).toBe('hush')
    await guest.page.keyboard.press('Enter')
    await silence()
    expect(await guest.page.evaluate(focused)).toBe('open')
    await visit(key)
    await guest.page.waitForTimeout(1_200)
    await silence()
  })

  test('where the address fits, also after the page has become another one without loading', async () => {
    for (const without of [
      '',
      '<script>delete window.navigation; Object.defineProperty(window, "navigation", { value: undefined })</script>',
    ]) {
      const key = await withRules({
        id: 'cart',
        message: 'Questions about your cart?',
        when: { url: '*/cart*', seconds: 1 },
      })
      await guest.page.goto(site.put({ key, head: without }))
      await guest.launcher.waitFor()
      await guest.page.waitForTimeout(1_300)
      await silence()
      await guest.page.evaluate('history.pushState({ of: "the page" }, "", "/cart?step=1")')
      await text('Questions about your cart?').waitFor()
      expect(await guest.page.evaluate('history.state')).toEqual({ of: 'the page' })
    }
  })

  test('after so much was scrolled through', async () => {
    await visit(await withRules({ id: 'half', message: 'Half way.', when: { scroll: 50 } }), tall)
    await guest.page.evaluate('scrollTo(0, 1000)')
    await silence()
    await guest.page.evaluate('scrollTo(0, 2200)')
    await text('Half way.').waitFor()
  })

  test('when the pointer leaves the page by its upper edge', async () => {
    await visit(
      await withRules({ id: 'leaving', message: 'Before you go …', when: { exitIntent: true } }),
      tall,
    )
    await guest.page.mouse.move(300, 300)
    await guest.page.mouse.move(400, 310)
    await silence()
    const leave = (y: number) =>
      `document.documentElement.dispatchEvent(new MouseEvent('mouseout', { bubbles: true, clientX: 300, clientY: ${y}, relatedTarget: null }))`
    await guest.page.evaluate(leave(400))
    await silence()
    await guest.page.evaluate(leave(-3))
    await text('Before you go …').waitFor()
  })

  test('when the page tells its event, and only when everything else is true as well', async () => {
    await visit(
      await withRules({ id: 'added', message: 'A good choice.', when: { event: 'added', scroll: 10 } }),
      tall,
    )
    await parleyOf(guest.page, "Parley('track', 'other')")
    await guest.page.evaluate('scrollTo(0, 1000)')
    await silence()
    await parleyOf(guest.page, "Parley('track', 'added')")
    await text('A good choice.').waitFor()
  })

  test('an event told before the widget was there counts', async () => {
    const key = await withRules({ id: 'early', message: 'You were early.', when: { event: 'early' } })
    const head = `<script>window.Parley = function () { (Parley.q = Parley.q || []).push(arguments) }; Parley('track', 'early')</script>`
    await guest.page.goto(site.put({ key, head }))
    await text('You were early.').waitFor()
  })
})

describe('V8: a proactive message does not come', () => {
  test('a second time in one visit, or to one visitor, as the rule says', async () => {
    const key = await withRules(
      { id: 'visit', message: 'Once a visit.', when: { event: 'one' }, once: 'visit' },
      { id: 'visitor', message: 'Once a visitor.', when: { event: 'two' }, once: 'visitor' },
    )
    const dismissed = async (event: string, words: string) => {
      await parleyOf(guest.page, `Parley.track('${event}')`)
      await text(words).waitFor()
      await guest.page.locator('parley-widget .hush').click()
    }
    await visit(key)
    await dismissed('one', 'Once a visit.')
    await dismissed('two', 'Once a visitor.')
    await visit(key)
    await parleyOf(guest.page, "(Parley.track('one'), Parley.track('two'), null)")
    await silence()
    // Another tab is another visit of the same visitor.
    const second = await guest.context.newPage()
    await second.goto(site.put({ key }))
    await second.locator('parley-widget .open').waitFor()
    await second.waitForTimeout(300)
    await second.evaluate("Parley.track('two'), Parley.track('one')")
    await second.locator('parley-widget .say').getByText('Once a visit.').waitFor()
  })

  test('while the chat is open, while a conversation runs, or where the page has hidden the launcher', async () => {
    const key = await withRules({ id: 'now', message: 'Hello?', when: { event: 'now' } })
    await visit(key)
    await parleyOf(guest.page, "(Parley.hide(), Parley.track('now'), Parley.show(), null)")
    await silence()
    await guest.launcher.click()
    await guest.panel.waitFor()
    await parleyOf(guest.page, "Parley.track('now')")
    await silence()
    await guest.panel.locator('textarea').fill('A question')
    await guest.page.keyboard.press('Enter')
    await guest.panel.getByText('A question').waitFor()
    await eventually('it is stored', async () => {
      const { rows } = await site.parley.owner.query("select 1 from messages where text = 'A question'")
      return rows.length === 1
    })
    await guest.launcher.click()
    await guest.panel.waitFor({ state: 'hidden' })
    await parleyOf(guest.page, "Parley.track('now')")
    await silence()
  })
})

test('V8: who answers it finds it in the chat, and their conversation begins with it', async () => {
  await visit(await withRules({ id: 'help', message: 'Looking for a desk?', when: { event: 'help' } }))
  await parleyOf(guest.page, "Parley.track('help')")
  await text('Looking for a desk?').click()
  await guest.panel.getByText('Looking for a desk?').waitFor()
  expect(await teaser().count()).toBe(0)
  await guest.panel.locator('textarea').fill('Yes, a small one')
  await guest.page.keyboard.press('Enter')
  await eventually('both are stored, in their order', async () => {
    const { rows } = await site.parley.owner.query(
      `select text from messages where conversation_id = (select conversation_id from messages where text = 'Yes, a small one') and text <> '' order by seq`,
    )
    return (
      rows
        .slice(0, 2)
        .map(({ text }) => text)
        .join() === 'Looking for a desk?,Yes, a small one'
    )
  })
})

test('V8: agents see the page a visitor is on only after the page has said that they may', async () => {
  const sent: string[] = []
  guest.page.on('websocket', socket => socket.on('framesent', ({ payload }) => sent.push(String(payload))))
  const pages = () => sent.filter(frame => frame.includes('visitor.page'))
  const key = await site.widget()
  await guest.page.goto(site.put({ key }))
  await guest.launcher.click()
  await guest.panel.locator('textarea').fill('Where am I?')
  await guest.page.keyboard.press('Enter')
  await guest.panel.getByText('Where am I?').waitFor()
  await guest.page.evaluate('history.pushState(null, "", "/secret")')
  await guest.page.waitForTimeout(500)
  expect(pages()).toEqual([])
  await parleyOf(guest.page, 'Parley.setConsent(true)')
  await eventually('the page is told', () => pages().some(frame => frame.includes('/secret')))
  await guest.page.evaluate('(history.pushState(null, "", "/desk"), document.title = "The desk")')
  await eventually('the next page is told', () =>
    pages().some(frame => frame.includes('/desk') && frame.includes('The desk')),
  )
  await parleyOf(guest.page, 'Parley.setConsent(false)')
  await guest.page.evaluate('history.pushState(null, "", "/private")')
  await guest.page.waitForTimeout(500)
  expect(pages().some(frame => frame.includes('/private'))).toBe(false)
})
