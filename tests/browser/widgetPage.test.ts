import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchBrowser, screenshot } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { type Guest, type HostSite, openHostSite, parleyOf } from '../support/hostSite.ts'

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
})
afterEach(async () => {
  guest.assertClean()
  await guest.close()
})

const stub = 'window.Parley = window.Parley || function () { (Parley.q = Parley.q || []).push(arguments) }'
const told = () => guest.page.evaluate<unknown[]>('window.told')

async function say(text: string): Promise<void> {
  await guest.panel.locator('textarea').fill(text)
  await guest.page.keyboard.press('Enter')
}

describe('V2: window.Parley', () => {
  test('what is called before it is there is done when it is; what holds on to the stub goes on', async () => {
    const head = `<script>${stub}
      window.told = []; window.early = Parley
      for (const event of ['ready', 'open', 'close', 'message', 'error']) Parley('on', event, detail => told.push([event, detail]))
      Parley('message', 'I would like to know')
      Parley('setAttributes', { plan: 'gold' })</script>`
    await guest.page.goto(site.put({ key, head }))
    await guest.panel.waitFor()
    expect(await guest.panel.locator('textarea').inputValue()).toBe('I would like to know')
    await guest.page.keyboard.press('Enter')
    await eventually('the message is told', async () => (await told()).length >= 3)
    expect(await told()).toMatchObject([
      ['ready', null],
      ['open', {}],
      ['message', { direction: 'sent', text: 'I would like to know' }],
    ])
    expect(await parleyOf(guest.page, "[Parley.isOpen(), Parley('isOpen')]")).toEqual([true, true])
    await parleyOf(guest.page, 'early("close")')
    await guest.panel.waitFor({ state: 'hidden' })
    expect((await told()).at(-1)).toMatchObject(['close', {}])
    const { rows } = await site.parley.owner.query(
      "select metadata from contacts where metadata::text like '%gold%'",
    )
    expect(rows).toHaveLength(1)
  })

  test('opens, closes, shows, hides; tells who listens late that it is ready; and a listener that throws stops nobody', async () => {
    guest.forgive(/threw.*a mistake of the page|There is no method noSuchMethod/s)
    await guest.page.goto(site.put({ key }))
    await guest.launcher.waitFor()
    await parleyOf(
      guest.page,
      `(window.told = [], Parley.on('open', () => { throw new Error('a mistake of the page') }), window.off = Parley('on', 'open', () => told.push('open')), Parley.on('ready', () => told.push('ready')), null)`,
    )
    await parleyOf(guest.page, 'Parley.hide()')
    await guest.launcher.waitFor({ state: 'hidden' })
    await parleyOf(guest.page, 'Parley.toggle()')
    await guest.panel.waitFor()
    await parleyOf(guest.page, 'Parley.toggle()')
    await guest.panel.waitFor({ state: 'hidden' })
    await parleyOf(guest.page, '(Parley.show(), off(), Parley.open(), null)')
    await guest.launcher.waitFor()
    await guest.panel.waitFor()
    expect(await told()).toEqual(['ready', 'open'])
    // Nothing that a page calls may break it, and whoever built it reads why nothing happens.
    const said = guest.page.waitForEvent('console', message => message.text().startsWith('[Parley]'))
    expect(await parleyOf(guest.page, "Parley('noSuchMethod', 1)")).toBeNull()
    expect((await said).text()).toBe('[Parley] There is no method noSuchMethod.')
  })

  test('as a module it is the same, and puts nothing on the page', async () => {
    const tag = `<script type="module">
      import { createParley } from '${site.parley.url}/widget.mjs'
      const parley = createParley({ widget: '${key}', language: 'de' })
      parley.on('ready', () => { document.title = 'ready' })
      document.querySelector('#own').onclick = () => parley.open()</script>`
    await guest.page.goto(site.put({ tag }))
    await guest.launcher.waitFor()
    expect(await guest.page.evaluate('[document.title, typeof Parley]')).toEqual(['ready', 'undefined'])
    await guest.page.click('#own')
    await guest.panel.waitFor()
    expect(await guest.page.locator('parley-widget .parley').getAttribute('lang')).toBe('de')
  })

  test('what a visitor said is there on the next page; logout forgets it', async () => {
    await guest.page.goto(site.put({ key }))
    await guest.launcher.click()
    await guest.panel.waitFor()
    await say('Remember me')
    await guest.panel.getByText('Remember me').waitFor()
    guest.asked.length = 0
    await guest.page.goto(site.put({ key }))
    await eventually('the app comes by itself', () =>
      guest.asked.some(path => path.startsWith('/widget/app-')),
    )
    await guest.launcher.click()
    await guest.panel.getByText('Remember me').waitFor()
    await parleyOf(guest.page, 'Parley.logout()')
    expect(await guest.page.evaluate('[localStorage.length, sessionStorage.length]')).toEqual([0, 0])
    await guest.page.reload()
    await guest.launcher.click()
    await guest.panel.waitFor()
    await guest.page.waitForTimeout(500)
    expect(await guest.panel.getByText('Remember me').count()).toBe(0)
  })
})

describe('V1: any page', () => {
  test('with an io, a Preact and polyfills of its own, some of them careless', async () => {
    const head = `<script>
      window.io = 'ours'; window.preact = { h: 'ours' }; window.React = 'ours'; window.process = 'ours'
      Array.prototype.each = function (act) { for (let at = 0; at < this.length; at++) act(this[at]) }
      Array.prototype.without = function () { return this }
      Array.prototype.toJSON = function () { return this.slice() }
      String.prototype.strip = function () { return this.trim() }
      Element.prototype.show = Element.prototype.hide = function () { throw new Error('not ours') }
      window.$ = () => { throw new Error('not ours') }</script>`
    await guest.page.goto(site.put({ key, head }))
    await guest.launcher.click()
    await guest.panel.waitFor()
    await say('Is this heard?')
    await eventually('it is stored', async () => {
      const { rows } = await site.parley.owner.query("select 1 from messages where text = 'Is this heard?'")
      return rows.length === 1
    })
    expect(await guest.page.evaluate('[io, preact.h, React, process]')).toEqual([
      'ours',
      'ours',
      'ours',
      'ours',
    ])
  })

  test('with a strict policy: no inline styles, no markup made by scripts, only what it trusts', async () => {
    const { url } = site.parley
    const headers = {
      'content-security-policy': `default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; connect-src ${url} ${url.replace('http', 'ws')}; img-src ${url}; require-trusted-types-for 'script'`,
    }
    const tag = `<script async nonce="abc" src="${url}/widget.js" data-widget="${key}"></script>`
    await guest.page.goto(site.put({ tag, headers }))
    await guest.launcher.click()
    await guest.panel.waitFor()
    await say('Through a **strict** policy')
    await guest.panel.getByText('Through a').waitFor()
    await eventually('it is stored', async () => {
      const { rows } = await site.parley.owner.query("select 1 from messages where text like 'Through a %'")
      return rows.length === 1
    })
    await screenshot(guest.page, 'widget-strict-csp')
  })

  test('that takes the node away gets it back, until it insists; one with a new body as well', async () => {
    await guest.page.goto(site.put({ key }))
    await guest.launcher.waitFor()
    const take = 'document.querySelector("parley-widget")?.remove()'
    await guest.page.evaluate(take)
    await guest.launcher.waitFor()
    await guest.page.evaluate(
      'document.documentElement.replaceChild(document.createElement("body"), document.body)',
    )
    await guest.launcher.waitFor()
    await guest.page.evaluate(take)
    await guest.launcher.waitFor()
    for (let times = 0; times < 6; times++) {
      await guest.page.evaluate(take)
      await guest.page.waitForTimeout(50)
    }
    expect(await guest.page.locator('parley-widget').count()).toBe(0)
  })

  test('whose browser blocks every storage', async () => {
    await guest.context.addInitScript(`for (const name of ['localStorage', 'sessionStorage', 'indexedDB'])
      Object.defineProperty(window, name, { get() { throw new DOMException('blocked', 'SecurityError') } })
      window.BroadcastChannel = class { constructor() { throw new DOMException('blocked', 'SecurityError') } }`)
    await guest.page.goto(site.put({ key }))
    await guest.launcher.click()
    await guest.panel.waitFor()
    await say('Nothing is kept')
    await guest.panel.getByText('Nothing is kept').waitFor()
    await parleyOf(guest.page, 'Parley.logout()')
  })
})

describe('what cannot work is said plainly, once, and the page goes on:', () => {
  const listen = `<script>${stub}; window.told = []; Parley('on', 'error', error => told.push(error))</script>`

  test.each([
    ['a wrong key', () => ({ key: 'widget_no_such_key' }), 404, 'not_found', /no such widget/i],
    [
      'a tag without a key',
      () => ({ tag: `<script async src="${site.parley.url}/widget.js"></script>` }),
      404,
      'not_found',
      /no such widget/i,
    ],
  ] as const)('%s', async (_name, put, status, code, words) => {
    guest.expectStatus(status)
    guest.forgive(/^warning: \[Parley\]/)
    await guest.page.goto(site.put({ head: listen, ...put() }))
    await eventually('it is told', async () => (await told()).length === 1)
    expect(await told()).toMatchObject([{ code, message: expect.stringMatching(words) }])
    expect(guest.warnings).toEqual([expect.stringMatching(words)])
    expect(await guest.page.locator('parley-widget').count()).toBe(0)
  })

  test('a site that the widget is not allowed on', async () => {
    guest.expectStatus(403)
    guest.forgive(/^warning: \[Parley\]/)
    const elsewhere = await site.widget({ allowedDomains: ['other.example'] })
    await guest.page.goto(site.put({ key: elsewhere, head: listen }))
    await eventually('it is told', async () => (await told()).length === 1)
    expect(await told()).toMatchObject([
      { code: 'forbidden', message: expect.stringMatching(/allowed domains/) },
    ])
    expect(await guest.page.locator('parley-widget').count()).toBe(0)
  })

  test('a server that is away; when the network is back, the launcher comes', async () => {
    guest.forgive(/^warning: \[Parley\]|ERR_FAILED|net::/)
    const config = '**/api/v1/visitor/widgets/**'
    await guest.page.route(config, route => route.abort())
    await guest.page.goto(site.put({ key, head: listen }))
    await eventually('it is told', async () => (await told()).length === 1)
    expect(await told()).toMatchObject([
      { code: 'unavailable', message: expect.stringMatching(/cannot be reached/) },
    ])
    await guest.page.unroute(config)
    await guest.page.evaluate('dispatchEvent(new Event("online"))')
    await guest.launcher.waitFor()
    expect(guest.warnings).toHaveLength(1)
  })

  test('an app that cannot be had: the visitor reads a plain word, and the next press works', async () => {
    guest.forgive(/^warning: \[Parley\]|ERR_FAILED|net::/)
    const app = '**/widget/app*'
    await guest.page.route(app, route => route.abort())
    await guest.page.goto(site.put({ key, head: listen, lang: 'de' }))
    await guest.launcher.click()
    await guest.page
      .locator('parley-widget [role=status]')
      .getByText('Der Chat ist gerade nicht erreichbar.')
      .waitFor()
    await screenshot(guest.page, 'widget-unavailable')
    await guest.page.unroute(app)
    await guest.launcher.click()
    await guest.panel.waitFor()
    expect(await guest.page.getByText('nicht erreichbar').count()).toBe(0)
  })
})
