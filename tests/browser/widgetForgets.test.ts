import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { type Guest, type HostSite, openHostSite, parleyOf } from '../support/hostSite.ts'
import { keptIn } from '../support/keptInBrowser.ts'

let site: HostSite
let browser: Browser
let key: string
let guest: Guest
beforeAll(async () => {
  ;[site, browser] = await Promise.all([openHostSite(), launchBrowser()])
  key = await site.widget()
})
afterAll(async () => {
  await browser.close()
  await site.remove()
})
beforeEach(async () => {
  guest = await site.visit(browser)
  // What is ended while it begins.
  guest.forgive(/WebSocket is closed before the connection is established/)
})
afterEach(async () => {
  guest.assertClean()
  await guest.close()
})

const stub = 'window.Parley = window.Parley || function () { (Parley.q = Parley.q || []).push(arguments) }'
const newPage = (head = '') => guest.page.goto(site.put({ key, head: `<script>${stub};${head}</script>` }))

async function open(): Promise<void> {
  await guest.launcher.click()
  await guest.panel.waitFor()
}

async function say(text: string): Promise<void> {
  await guest.panel.locator('textarea').fill(text)
  await guest.page.keyboard.press('Enter')
  await eventually('it is stored', async () => (await stored(text)) === 1)
  await eventually('the next page knows', () =>
    guest.page.evaluate<boolean>(`Object.values(localStorage).includes('1')`),
  )
}

const stored = async (text: string): Promise<number> =>
  (await site.parley.owner.query('select 1 from messages where text = $1', [text])).rows.length

const kept = () => keptIn(guest.page)

describe('V2: logout forgets', () => {
  test('on a page that has only just begun, so that nobody is found on the next one', async () => {
    await newPage()
    await open()
    await say('A secret of before')
    await newPage("Parley('logout')")
    await guest.launcher.waitFor()
    await eventually('nothing is kept', async () => Object.keys(await kept()).length === 0)
    await guest.page.waitForTimeout(1_500)
    expect(await kept()).toEqual({})
    await newPage()
    await open()
    await guest.page.waitForTimeout(1_000)
    expect(await guest.panel.getByText('A secret of before').count()).toBe(0)
  })

  test('while the chat comes back, whatever of it is under way', async () => {
    await newPage()
    await open()
    await say('A secret that comes back')
    for (const wait of [0, 5, 20, 60, 200]) {
      await newPage(
        `Parley('on', 'ready', () => new MutationObserver((_, seen) => {
          if (!document.querySelector('parley-widget').shadowRoot.querySelector('.parley')) return
          seen.disconnect()
          setTimeout(async () => { await Parley.logout(); document.title = 'out' }, ${wait})
        }).observe(document.querySelector('parley-widget').shadowRoot, { childList: true }))`,
      )
      await eventually('it is done', async () => (await guest.page.title()) === 'out')
      await guest.page.waitForTimeout(700)
      expect(await kept(), `after ${wait} ms`).toEqual({})
      await open()
      expect(await guest.panel.getByText('A secret that comes back').count()).toBe(0)
      await say(`The next secret, ${wait}`)
    }
  })

  test('while the server is about to say who the visitor is', async () => {
    await newPage()
    let asked = () => undefined as unknown
    const held = new Promise(resolve => {
      asked = () => resolve(undefined)
    })
    let answer = () => undefined as unknown
    const mayAnswer = new Promise(resolve => {
      answer = () => resolve(undefined)
    })
    await guest.page.route('**/visitor/sessions', async route => {
      asked()
      await mayAnswer
      await route.continue()
    })
    await open()
    await held
    await parleyOf(guest.page, 'Parley.logout()')
    answer()
    await guest.page.waitForTimeout(1_000)
    expect(await kept()).toEqual({})
  })

  test('without the server, in the other tabs too', async () => {
    guest.forgive(/^warning: \[Parley\]|ERR_FAILED|net::/)
    await newPage()
    await open()
    await say('A secret without a server')
    const away = await guest.context.newPage()
    await away.route(`${site.parley.url}/api/**`, route => route.abort())
    await away.goto(site.put({ key }))
    await eventually('it is told', async () => guest.warnings.length === 1)
    const out = `Promise.race([Parley.logout().then(() => 'out'), new Promise(late => setTimeout(late, 4_000, 'late'))])`
    expect(await parleyOf(away, out)).toBe('out')
    expect(await keptIn(away)).toEqual({})
    await guest.panel.waitFor({ state: 'hidden' })
    await open()
    await guest.page.waitForTimeout(500)
    expect(await guest.panel.getByText('A secret without a server').count()).toBe(0)
  })
})

test('V2: logout forgets which messages were shown, where the part that shows them is not loaded either', async () => {
  await newPage()
  await guest.launcher.waitFor()
  const places = `[localStorage, sessionStorage]`
  await guest.page.evaluate(`${places}.forEach(place => place.setItem('parley:${key}:shown', 'hello'))`)
  await parleyOf(guest.page, 'Parley.logout()')
  expect(await guest.page.evaluate(`${places}.map(place => place.length)`)).toEqual([0, 0])
})

test('V2: after logout nothing is kept before the next person has done something', async () => {
  const rule = { id: 'back', message: 'Back again?', once: 'visitor', when: { event: 'back' } }
  const speaking = await site.widget({ behaviour: { proactive: [rule] } })
  await guest.page.goto(site.put({ key: speaking }))
  await open()
  await guest.launcher.click()
  await guest.panel.waitFor({ state: 'hidden' })
  await parleyOf(guest.page, 'Parley.logout()')
  await parleyOf(guest.page, `Parley.track('back')`)
  await guest.page.locator('parley-widget .say').waitFor()
  expect(await guest.page.evaluate('[localStorage.length, sessionStorage.length]')).toEqual([0, 0])
})

test.each([
  ['consent', 'who comes after a logout has not consented yet'],
  ['always', 'who comes after a logout is on a page, too'],
] as const)('V8: with the setting %s, %s', async (pageContext, _why) => {
  const telling = await site.widget({ behaviour: { pageContext } })
  const frames: string[] = []
  guest.page.on('websocket', socket => {
    socket.on('framesent', ({ payload }) => frames.push(String(payload)))
  })
  const told = () => frames.filter(frame => frame.includes('visitor.page')).length
  await guest.page.goto(site.put({ key: telling }))
  await open()
  await say(`The first here (${pageContext})`)
  if (pageContext === 'consent') await parleyOf(guest.page, '(Parley.setConsent(true), null)')
  await eventually('it is told', async () => told() === 1)
  await parleyOf(guest.page, 'Parley.logout()')
  await open()
  await say(`The next here (${pageContext})`)
  if (pageContext === 'always') await eventually('it is told of them', async () => told() === 2)
  await guest.page.evaluate(`history.pushState(null, '', '?later')`)
  await guest.page.waitForTimeout(1_000)
  expect(told()).toBe(pageContext === 'always' ? 3 : 1)
})

test('V2: destroy while the chat comes back leaves nothing running', async () => {
  await newPage()
  await open()
  await say('Before all was taken away')
  let connections = 0
  guest.page.on('websocket', socket => {
    connections++
    socket.on('close', () => connections--)
  })
  await newPage(`Parley('on', 'ready', () => new MutationObserver(() => {
    if (document.querySelector('parley-widget')?.shadowRoot.querySelector('.parley')) Parley.destroy()
  }).observe(document.querySelector('parley-widget').shadowRoot, { childList: true }))`)
  await eventually('it is gone', async () => (await guest.page.evaluate('typeof Parley')) === 'undefined')
  await guest.page.waitForTimeout(1_500)
  expect(connections).toBe(0)
  // What is kept stays for the next page.
  expect(Object.keys(await kept())).toContain('database: visitor')
})

test('V8: consent that was withdrawn tells nobody where the visitor is, after the next connection neither', async () => {
  guest.forgive(/net::|WebSocket/)
  const consenting = await site.widget({ behaviour: { pageContext: 'consent' } })
  const frames: string[] = []
  guest.page.on('websocket', socket => {
    socket.on('framesent', ({ payload }) => frames.push(String(payload)))
  })
  const told = () => frames.filter(frame => frame.includes('visitor.page')).length
  await guest.page.goto(site.put({ key: consenting }))
  await open()
  await say('Where am I?')
  await parleyOf(guest.page, '(Parley.setConsent(true), null)')
  await eventually('it is told', async () => told() === 1)
  await parleyOf(guest.page, '(Parley.setConsent(false), null)')
  await guest.context.setOffline(true)
  await guest.page.waitForTimeout(300)
  await guest.context.setOffline(false)
  const before = frames.length
  await eventually('it is connected again', async () => frames.length > before + 2, 20_000)
  await say('And where now?')
  expect(told()).toBe(1)
})

test('V2: attributes that are told one after the other while offline all arrive; none is told where there is none', async () => {
  guest.forgive(/net::|WebSocket/)
  const frames: string[] = []
  guest.page.on('websocket', socket => {
    socket.on('framesent', ({ payload }) => frames.push(String(payload)))
  })
  await newPage()
  await open()
  await say('Who am I?')
  expect(frames.filter(frame => frame.includes('visitor.describe'))).toEqual([])
  await guest.context.setOffline(true)
  await parleyOf(guest.page, '(Parley.setAttributes({ told: 0 }), null)')
  await guest.page.waitForTimeout(300)
  await parleyOf(
    guest.page,
    '(Parley.setAttributes({ first: 1 }), Parley.setAttributes({ second: 2 }), null)',
  )
  await guest.context.setOffline(false)
  await eventually(
    'all are known',
    async () => {
      const { rows } = await site.parley.owner.query(
        `select 1 from contacts where metadata->'attributes' @> '{"told": 0, "first": 1, "second": 2}'`,
      )
      return rows.length === 1
    },
    20_000,
  )
})

test('V8: a page that opens the chat keeps nothing; a visitor who writes in it does', async () => {
  await newPage("Parley('open')")
  await guest.panel.waitFor()
  await guest.page.waitForTimeout(700)
  expect(await kept()).toEqual({})
  await say('Now it is mine')
  await eventually('it is kept', async () => Object.keys(await kept()).includes('database: talk'))
  await newPage()
  await open()
  await guest.panel.getByText('Now it is mine').waitFor()
})

describe('V1: what cannot work is said plainly:', () => {
  test('an answer of something else than Parley is one that passes', async () => {
    guest.forgive(/^warning: \[Parley\]/)
    guest.expectStatus(502)
    const config = '**/api/v1/visitor/widgets/**'
    await guest.page.route(config, route => route.fulfill({ status: 502, json: { message: 'Bad gateway' } }))
    await newPage()
    await eventually('it is told', async () => guest.warnings.length === 1)
    expect(guest.warnings).toEqual([expect.stringMatching(/cannot be reached/)])
    await guest.page.unroute(config)
    await guest.page.evaluate('dispatchEvent(new Event("online"))')
    await guest.launcher.waitFor()
  })

  test('a script that finds no tag', async () => {
    guest.forgive(/^warning: \[Parley\]/)
    const tag = `<script type="module" src="${site.parley.url}/widget.js"></script>`
    await guest.page.goto(site.put({ tag }))
    await eventually('it is told', async () => guest.warnings.length === 1)
    expect(guest.warnings).toEqual([expect.stringMatching(/No tag has data-widget/)])
  })
})
