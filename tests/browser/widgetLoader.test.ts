import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { assertAccessible, launchBrowser, screenshot, sizes } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { type Guest, type HostSite, openHostSite, parleyOf } from '../support/hostSite.ts'

let site: HostSite
let browser: Browser
let key: string
let guest: Guest

beforeAll(async () => {
  ;[site, browser] = await Promise.all([openHostSite(), launchBrowser()])
  key = await site.widget({ launcher: { label: 'Ask us' } })
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

const parts = () => guest.asked.filter(path => !path.startsWith('/widget.js'))
const config = expect.stringMatching(/^\/api\/v1\/visitor\/widgets\//)

describe('V1: one tag', () => {
  test('draws the launcher, and loads nothing but its settings until somebody shows interest', async () => {
    await guest.page.goto(site.put({ key }))
    await guest.launcher.waitFor()
    await guest.page.waitForTimeout(1_500)
    expect(guest.asked).toEqual(['/widget.js', config])
    expect(await guest.launcher.getAttribute('aria-label')).toBe('Ask us')
    expect(await guest.launcher.getAttribute('aria-expanded')).toBe('false')
    expect(await guest.context.cookies()).toEqual([])
    expect(await parleyOf(guest.page, '[localStorage.length, sessionStorage.length]')).toEqual([0, 0])
    expect(await guest.page.evaluate('indexedDB.databases()')).toEqual([])
    await assertAccessible(guest.page)

    await guest.launcher.hover()
    await eventually('the app is fetched', () => parts().some(path => path.startsWith('/widget/app-')))
    expect(await guest.page.locator('[role=dialog]').count()).toBe(0)
    await guest.launcher.click()
    await guest.panel.waitFor()
    expect(await guest.launcher.getAttribute('aria-expanded')).toBe('true')
    await guest.launcher.click()
    await guest.panel.waitFor({ state: 'hidden' })
    expect(await guest.launcher.getAttribute('aria-expanded')).toBe('false')
  })

  test('the keyboard opens it, and who closes it is back at the launcher', async () => {
    await guest.page.goto(site.put({ key }))
    await guest.launcher.waitFor()
    await guest.page.focus('#own')
    await guest.page.keyboard.press('Tab')
    await guest.page.keyboard.press('Enter')
    await guest.panel.waitFor()
    await guest.page.keyboard.press('Escape')
    await guest.panel.waitFor({ state: 'hidden' })
    const focused = 'document.querySelector("parley-widget").shadowRoot.activeElement?.className'
    await eventually(
      'the launcher has the focus',
      async () => (await guest.page.evaluate(focused)) === 'open',
    )
  })

  test('looks as its settings say: colour, corner, icon, scheme; on phones without its label', async () => {
    const look = async (settings: object, name: string, lang = 'en') => {
      await guest.page.goto(site.put({ key: await site.widget(settings), lang }))
      await guest.launcher.waitFor()
      await screenshot(guest.page, `widget-launcher-${name}`)
      return guest.launcher.boundingBox()
    }
    const width = sizes.desktop.width
    const yellow = await look(
      {
        appearance: { accent: '#ffd54a', position: 'start', scheme: 'dark' },
        launcher: { icon: 'question', offset: { side: 40, bottom: 60 } },
      },
      'start',
    )
    expect(yellow?.x).toBe(40)
    expect(Math.round((yellow?.y ?? 0) + (yellow?.height ?? 0))).toBe(sizes.desktop.height - 60)
    const end = await look({ launcher: { label: 'Frag uns', icon: 'smile' } }, 'label', 'de')
    expect(Math.round((end?.x ?? 0) + (end?.width ?? 0))).toBe(width - 20)
    expect(end?.width).toBeGreaterThan(80)
    // The corner is seen in the direction of the language.
    const arabic = await look({}, 'arabic', 'ar')
    expect(arabic?.x).toBe(20)
    await guest.page.setViewportSize(sizes.phone)
    const phone = await look({ launcher: { label: 'Ask us' } }, 'phone')
    expect(phone?.width).toBe(56)
  })

  test('speaks the language that is said, else that of the page, else that of the browser', async () => {
    const labelled = async (page: Parameters<HostSite['put']>[0]) => {
      await guest.page.goto(site.put(page))
      await guest.launcher.waitFor()
      return guest.launcher.getAttribute('aria-label')
    }
    const plain = await site.widget({ behaviour: { language: 'ko' } })
    const tag = `<script async src="${site.parley.url}/widget.js" data-widget="${plain}" data-language="ja"></script>`
    expect(await labelled({ tag, lang: 'ru' })).toBe('チャット')
    expect(await labelled({ key: plain, lang: 'ru' })).toBe('Чат')
    expect(await labelled({ key: plain, lang: 'tlh' })).toBe('Chat')
    await parleyOf(guest.page, 'Parley.setLocale("ar")')
    await eventually(
      'it speaks Arabic',
      async () => (await guest.launcher.getAttribute('aria-label')) === 'محادثة',
    )
    expect(await guest.page.locator('parley-widget .launcher').getAttribute('dir')).toBe('rtl')
  })
})

describe('V1: nothing leaks', () => {
  /** All but what everything is in, which is as wide as the page. */
  const looks = `[...document.querySelector('parley-widget').shadowRoot.querySelectorAll('* > *')].map(element => {
    const style = getComputedStyle(element), box = element.getBoundingClientRect()
    return [element.className.baseVal ?? element.className, box.width, box.height, ...['fontSize', 'fontFamily', 'color', 'backgroundColor', 'display', 'position', 'direction', 'visibility', 'textTransform', 'letterSpacing', 'opacity', 'lineHeight', 'margin', 'padding', 'borderRadius'].map(name => style[name])].join(' ')
  })`
  const hostile = `<style>
    * { all: unset !important; font-size: 40px !important; text-transform: uppercase !important; letter-spacing: 9px !important; display: inline !important; direction: rtl !important; color: red !important }
    html { font-size: 31px } body { line-height: 3; visibility: visible }
    button { background: url(x) red; border-radius: 0 } parley-widget { display: none !important; visibility: hidden !important; --parley-accent: red }
    [hidden] { display: block } section, div, span { float: left; width: 1px }
  </style>`

  const buttonOfThePage =
    '(style => [style.fontSize, style.backgroundColor, style.padding, style.cursor])(getComputedStyle(document.querySelector("#own")))'

  test('no style of the page comes in, however important, and none of ours gets out', async () => {
    const seen: string[][] = []
    for (const head of ['', hostile]) {
      const own = await site.visit(browser)
      await own.page.goto(site.put({ key, head }))
      const before = await own.page.evaluate(buttonOfThePage)
      await own.launcher.waitFor()
      seen.push(await own.page.evaluate<string[]>(looks))
      await own.launcher.click()
      await own.panel.waitFor()
      await own.page.mouse.move(0, 0)
      await own.page.waitForTimeout(500)
      seen.push(await own.page.evaluate<string[]>(looks))
      if (head) await screenshot(own.page, 'widget-hostile-page')
      expect(await own.page.evaluate(buttonOfThePage)).toEqual(before)
      own.assertClean()
      await own.close()
    }
    expect(seen.slice(2)).toEqual(seen.slice(0, 2))
  })

  test('nothing global but Parley; destroy takes everything away', async () => {
    await guest.page.goto(site.put({ tag: '' }))
    const globals = 'Object.getOwnPropertyNames(window).sort().join()'
    const listeners = async () => {
      const cdp = await guest.context.newCDPSession(guest.page)
      const expression = `JSON.stringify([window, document, document.body, window.navigation].map(target => Object.entries(getEventListeners(target)).map(([name, list]) => name + list.length).sort()))`
      const { result } = await cdp.send('Runtime.evaluate', { expression, includeCommandLineAPI: true })
      return result.value
    }
    const before = [await guest.page.evaluate(globals), await listeners()]
    await guest.page.evaluate(
      `{ const tag = document.createElement('script'); tag.src = '${site.parley.url}/widget.js'; tag.dataset.widget = '${key}'; document.head.append(tag) }`,
    )
    await guest.launcher.waitFor()
    await guest.launcher.click()
    await guest.panel.waitFor()
    const added = (await guest.page.evaluate<string>(globals))
      .split(',')
      .filter(name => !before[0]?.includes(name))
    expect(added).toEqual(['Parley'])
    await parleyOf(guest.page, 'Parley.destroy()')
    const left = async () => [await guest.page.evaluate(globals), await listeners()]
    await expect.poll(left, { timeout: 10_000 }).toEqual(before)
    expect(await guest.page.locator('parley-widget').count()).toBe(0)
  })
})
