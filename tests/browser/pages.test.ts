import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { errorCodes } from '../../src/protocol/index.ts'
import {
  assertAccessible,
  assertFits,
  launchBrowser,
  newVisitor,
  screenshot,
  sizes,
  startBrowsable,
  type Visitor,
} from '../support/browser.ts'
import type { TestParley } from '../support/parley.ts'
import { newPerson, newWorkspace } from '../support/people.ts'

interface Status {
  readonly version: string
  readonly parts: readonly { readonly name: string; readonly state: string; readonly detail: string }[]
  readonly doors: readonly string[]
}

let parley: TestParley
let browser: Browser
let visitor: Visitor
let page: Page

beforeAll(async () => {
  ;[parley, browser] = await Promise.all([startBrowsable(), launchBrowser()])
})
afterAll(async () => {
  await browser.close()
  await parley.remove()
})
beforeEach(async () => {
  visitor = await newVisitor(browser, parley.url)
  page = visitor.page
})
afterEach(async () => {
  visitor.assertClean()
  await visitor.close()
})

const textOf = async (selector: string) => (await page.locator(selector).textContent()) ?? ''

describe('the start page', () => {
  test('tells the version and every part as the status route does, and links what is served', async () => {
    const status = (await (await fetch(`${parley.url}/api/v1/status`)).json()) as Status
    await page.goto('/')
    await page.getByText(`Parley ${status.version}`).waitFor()
    await page.locator('#health', { hasText: 'Ready' }).waitFor()
    for (const { name, state, detail } of status.parts) {
      const part = page.locator('#parts > div', { has: page.getByText(name, { exact: true }) })
      expect(await part.textContent()).toContain(state)
      expect(await part.textContent()).toContain(detail)
    }
    for (const door of ['demo', 'console']) {
      const linked = (await page.locator(`[data-door=${door}] a`).count()) === 1
      expect(linked, door).toBe(status.doors.includes(door))
    }
    const links = await page.evaluate<string[]>(
      '[...document.querySelectorAll(`a[href^="/"]`)].map(link => link.href)',
    )
    for (const link of new Set(links)) {
      const { status: answered } = await fetch(link, { headers: { accept: 'text/html' } })
      expect(answered, link).toBe(200)
    }
  })

  test('says in plain words that a link from a mail has expired, and only once', async () => {
    await page.goto('/api/auth/verify-email?token=nonsense&callbackURL=/')
    await page.locator('#landing').waitFor()
    expect(await textOf('#landing')).toMatch(/link is not valid/i)
    expect(page.url()).toBe(`${parley.url}/`)
    await screenshot(page, 'start-landing')
    await assertAccessible(page)
    await page.reload()
    expect(await page.locator('#landing').isVisible()).toBe(false)
  })

  test('says so when the session ends somewhere else', async () => {
    const person = await newPerson(parley, 'Joan')
    await signIn(person)
    await parley.owner.query('delete from auth_sessions where user_id = $1', [person.userId])
    visitor.expectStatus(401)
    await page.goto('/')
    await page.getByText('You are not signed in.').waitFor()
    await page.goto('/account')
    await page.waitForURL('**/sign-in?next=/account')
  })
})

async function signIn(person: { email: string; password: string }): Promise<void> {
  await page.goto('/sign-in')
  await page.fill('#email', person.email)
  await page.fill('#password', person.password)
  await page.keyboard.press('Enter')
  await page.waitForURL(`${parley.url}/`)
}

describe('forms', () => {
  test('show each fault at its field, and what is wrong with the whole where the lead stood', async () => {
    await page.goto('/sign-up')
    await page.click('#sign-up button[type=submit]')
    expect(await textOf('#name-note')).toBe('Must not be empty.')
    visitor.expectStatus(400, 401)
    await page.fill('#name', 'Ada')
    await page.fill('#email', 'nowhere')
    await page.fill('#password', 'short')
    await page.keyboard.press('Enter')
    await page.locator('#email-note.bad').waitFor()
    expect(await textOf('#email-note')).toBe('Must be an e-mail address.')
    expect(await textOf('#password-note')).toBe('Must have at least 10 characters.')
    expect(await page.getAttribute('#email', 'aria-invalid')).toBe('true')
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('email')
    await assertAccessible(page)
    await screenshot(page, 'sign-up-faults')
    await page.fill('#password', 'long enough now')
    expect(await textOf('#password-note'), 'the hint again').toBe('At least 10 characters.')

    await page.goto('/sign-in')
    const height = () => page.evaluate<number>('document.querySelector("main").offsetHeight')
    const before = await height()
    await page.fill('#email', 'nobody@people.example')
    await page.fill('#password', 'wrong password')
    await page.keyboard.press('Enter')
    await page.locator('#password-step .notice').waitFor()
    expect(await textOf('#password-step .notice')).toBe('Invalid email or password.')
    expect(await height(), 'nothing has moved').toBe(before)
    await screenshot(page, 'sign-in-refused')
  })

  test('send once, however often the button is pressed, and say when the server cannot be reached', async () => {
    let asked = 0
    await page.route('**/api/auth/request-password-reset', async route => {
      asked++
      await new Promise(resolve => setTimeout(resolve, 300))
      await route.abort('connectionrefused')
    })
    await page.goto('/forgot-password')
    await page.fill('#email', 'ada@people.example')
    const button = page.locator('#ask button[type=submit]')
    await button.click()
    expect(await button.getAttribute('aria-disabled')).toBe('true')
    await page.keyboard.press('Enter')
    await page.locator('#ask .notice').waitFor()
    expect(await textOf('#ask .notice')).toMatch(/cannot be reached/)
    expect(await button.getAttribute('aria-disabled')).toBe(null)
    expect(asked).toBe(1)
    visitor.forgive(/ERR_CONNECTION_REFUSED/)
  })

  test('go nowhere before their script is there, and say that they need it', async () => {
    await page.route('**/assets/*.js', route => route.abort())
    visitor.forgive(/ERR_FAILED/)
    const response = await page.goto('/sign-in')
    expect(await response?.text()).toMatch(/<noscript>.*JavaScript.*<\/noscript>/)
    await page.fill('#email', 'ada@people.example')
    await page.fill('#password', 'a password that must not travel')
    await page.keyboard.press('Enter')
    await page.locator('#password-step button[type=submit]').click({ force: true })
    await page.waitForTimeout(200)
    expect(page.url()).toBe(`${parley.url}/sign-in`)
  })

  test('a path to go on to is followed on this server only', async () => {
    const person = await newPerson(parley, 'Mallory')
    for (const next of ['//evil.example/', '/\\evil.example', 'https://evil.example/']) {
      // What the page before still asks for needs its cookie.
      await page.goto('about:blank')
      await visitor.context.clearCookies()
      await page.goto(`/sign-in?next=${encodeURIComponent(next)}`)
      await page.fill('#email', person.email)
      await page.fill('#password', person.password)
      await page.keyboard.press('Enter')
      await page.waitForURL(`${parley.url}/`)
    }
  })
})

describe('the API pages', () => {
  test('a request tried out in the viewer runs with the session', async () => {
    const workspace = await newWorkspace(parley)
    await signIn(workspace.owner)
    await page.goto('/api/docs#/Workspace/getTenant')
    await page.getByText(`Requests you try out here really run, as ${workspace.owner.email}.`).waitFor()
    await page.locator('#viewer .btn.execute').click()
    await page.locator('#viewer .live-responses-table .microlight').first().waitFor()
    expect(await textOf('#viewer .live-responses-table')).toContain(workspace.slug)
    expect(await page.locator('#viewer .errors-wrapper').count(), 'references that lead nowhere').toBe(0)
    await screenshot(page, 'docs-tried')
    await page.emulateMedia({ colorScheme: 'dark' })
    await screenshot(page, 'docs-tried-dark')
  })

  test('every error code has an anchor, and problems link to it', async () => {
    const problem = (await (await fetch(`${parley.url}/api/v1/nothing`)).json()) as { type: string }
    await page.goto(problem.type)
    expect(await page.locator(':target').textContent()).toContain('not_found')
    for (const code of errorCodes) expect(await page.locator(`#${code}`).count(), code).toBe(1)
  })

  test('what is not there is a page for people and a problem for programs', async () => {
    const ask = async (path: string, accept: string, method = 'GET') => {
      const response = await fetch(`${parley.url}${path}`, { method, headers: { accept } })
      return [response.status, response.headers.get('content-type')?.split(';')[0]]
    }
    expect(await ask('/nothing', 'text/html,*/*;q=0.8')).toEqual([404, 'text/html'])
    expect(await ask('/nothing', '*/*')).toEqual([404, 'application/problem+json'])
    expect(await ask('/nothing', 'text/html', 'POST')).toEqual([404, 'application/problem+json'])
    expect(await ask('/api/v1/nothing', 'text/html')).toEqual([404, 'application/problem+json'])
    expect(await ask('/api/docs/nothing', 'text/html')).toEqual([404, 'text/html'])
    expect(await ask('/assets/../../pages.ts', 'text/html')).toEqual([404, 'text/html'])
  })
})

test('a closed installation offers no sign-up, and a configured provider its button', async () => {
  const closed = await startBrowsable({
    SIGN_UP: 'false',
    GITHUB_CLIENT_ID: 'an-id',
    GITHUB_CLIENT_SECRET: 'a-secret',
  })
  const stranger = await newVisitor(browser, closed.url)
  await stranger.page.goto('/')
  await stranger.page.getByText('You are not signed in.').waitFor()
  expect(await stranger.page.locator('a[href="/sign-up"]:visible').count()).toBe(0)
  await stranger.page.goto('/sign-in')
  await stranger.page.getByRole('button', { name: 'Go on with GitHub' }).waitFor()
  expect(await stranger.page.locator('#social button').count()).toBe(1)
  await screenshot(stranger.page, 'sign-in-provider')
  await stranger.page.goto('/sign-up')
  await stranger.page.locator('#closed').waitFor()
  stranger.assertClean()
  await stranger.close()
  await closed.remove()
})

test('sessions are listed, ended one by one and all at once, and the password is changed', async () => {
  const person = await newPerson(parley, 'Annie')
  const other = await newVisitor(browser, parley.url, {
    userAgent: 'Mozilla/5.0 (iPhone) Version/17 Safari/605.1',
  })
  await other.page.goto('/sign-in')
  await other.page.fill('#email', person.email)
  await other.page.fill('#password', person.password)
  await other.page.keyboard.press('Enter')
  await other.page.waitForURL(`${parley.url}/`)
  await other.close()
  await signIn(person)
  await page.goto('/account')
  await page.locator('#sessions li').first().waitFor()
  expect(await page.locator('#sessions li').count()).toBe(3)
  await screenshot(page, 'account-sessions')
  await page.emulateMedia({ colorScheme: 'dark' })
  await screenshot(page, 'account-dark')
  await assertAccessible(page, { coloursOnly: true })
  await page.setViewportSize(sizes.narrowest)
  await assertFits(page)
  await screenshot(page, 'account-narrowest')
  await page.getByRole('button', { name: /End the session on Safari on iOS/ }).click()
  await page.getByText('The session on Safari on iOS has ended.').waitFor()
  await page.getByRole('button', { name: 'End all others' }).click()
  await page.getByText('1 session has ended.').waitFor()
  expect(await page.locator('#sessions li').count()).toBe(1)
  await page.locator('#activity li').first().waitFor()
  expect(await textOf('#activity li:first-child strong')).toBe('Signed out, or a session was ended')
  expect(await page.locator('#activity li', { hasText: 'The account was made' }).count()).toBe(1)

  visitor.expectStatus(400, 401)
  await page.fill('#currentPassword', 'not the password')
  await page.fill('#newPassword', 'another good password')
  await page.keyboard.press('Enter')
  await page.locator('#currentPassword-note.bad').first().waitFor()
  expect(await textOf('#currentPassword-note')).toBe('That is not your password.')
  await page.fill('#currentPassword', person.password)
  await page.keyboard.press('Enter')
  await page.getByText('The password is changed.').waitFor()
  await page.locator('#activity li', { hasText: 'The password was changed' }).waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(`${parley.url}/`)
  await page.getByText('You are not signed in').waitFor()
})
