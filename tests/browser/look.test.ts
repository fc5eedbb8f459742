import { createHash } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

const pages = {
  start: '/',
  'sign-in': '/sign-in',
  'sign-up': '/sign-up',
  'forgot-password': '/forgot-password',
  'reset-password': '/reset-password?token=some-token-from-a-mail',
  'reset-password-stale': '/reset-password?error=INVALID_TOKEN',
  invitation: '/invitation#invite_some-token',
  'not-found': '/no-such-page',
  errors: '/api/docs/errors#conflict',
  docs: '/api/docs',
} as const

/** Those whose looks tell something about the others. */
const drawn = new Set(['start', 'sign-in', 'not-found', 'errors', 'docs'])

let parley: TestParley
let browser: Browser
beforeAll(async () => {
  ;[parley, browser] = await Promise.all([startBrowsable(), launchBrowser()])
})
afterAll(async () => {
  await browser.close()
  await parley.remove()
})

describe('accessible by day and night, fits 320 px, asks nobody else:', () => {
  test.each(Object.entries(pages))('%s', async (name, path) => {
    const visitor = await newVisitor(browser, parley.url)
    const { page } = visitor
    if (name === 'not-found') visitor.expectStatus(404)
    await page.goto(path, { waitUntil: 'networkidle' })
    expect(await page.title()).toMatch(/Parley/)
    expect(await page.getAttribute('html', 'lang')).toBe('en')
    // What Swagger UI draws is its own.
    const exclude = name === 'docs' ? ['#viewer'] : []
    await assertAccessible(page, { exclude })
    await screenshot(page, `${name}-light`)
    await page.emulateMedia({ colorScheme: 'dark' })
    await assertAccessible(page, { exclude, coloursOnly: true })
    if (drawn.has(name)) await screenshot(page, `${name}-dark`)
    for (const size of [sizes.phone, sizes.narrowest]) {
      await page.setViewportSize(size)
      await assertFits(page)
    }
    await page.emulateMedia({ colorScheme: 'light' })
    if (drawn.has(name)) await screenshot(page, `${name}-narrowest`)
    visitor.assertClean()
    await visitor.close()
  })
})

test('the watch kept in these tests notices a script in the page, an error, and another origin', async () => {
  const careless = await newVisitor(browser, parley.url)
  await careless.page.goto('/')
  await careless.page.evaluate(
    `document.body.append(Object.assign(document.createElement('script'), { text: '1' }))`,
  )
  // Answers only once the error has been thrown: the next step leaves the page.
  await careless.page.evaluate(
    `new Promise(thrown => setTimeout(() => { setTimeout(thrown); throw new Error('a mishap') }))`,
  )
  await careless.page.goto(parley.url.replace('localhost', '127.0.0.1'))
  expect(() => careless.assertClean()).toThrow(/violates script-src/)
  expect(() => careless.assertClean()).toThrow(/threw .*a mishap/)
  expect(() => careless.assertClean()).toThrow(/asked http:\/\/127\.0\.0\.1/)
  await careless.close()
})

test('the QR code is the one that a reader was shown to understand', async () => {
  // These were read back with jsQR 1.4, as were the texts of every length up to the longest; the hash stands for the modules.
  const known = {
    Parley: '4bdbacdea470621d',
    'otpauth://totp/Parley:ada@people.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXPJBSW&issuer=Parley&digits=6&period=30':
      '8dcb28f9d402a70b',
    ['ü'.repeat(300)]: '11df5ae72014a035',
  }
  const visitor = await newVisitor(browser, parley.url)
  const { page } = visitor
  await page.goto('/sign-in')
  for (const [text, hash] of Object.entries(known)) {
    const modules = await page.evaluate<boolean[][]>(
      `import('/assets/qr.js').then(({ qrModules }) => qrModules(${JSON.stringify(text)}))`,
    )
    const rows = modules.map(row => row.map(Number).join('')).join('\n')
    expect(createHash('sha256').update(rows).digest('hex').slice(0, 16), text).toBe(hash)
  }
  visitor.assertClean()
  await visitor.close()
})
