import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  assertAccessible,
  assertFits,
  launchBrowser,
  newVisitor,
  screenshot,
  sizes,
  startBrowsable,
  tabTo,
  type Visitor,
} from '../support/browser.ts'
import { mailTo } from '../support/outbox.ts'
import type { TestParley } from '../support/parley.ts'
import { newPerson, newWorkspace, type Person } from '../support/people.ts'
import { nextWindow, totpCode } from '../support/totp.ts'

const password = 'eleven green bottles'
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

/** Where the first link of a mail leads on this server. */
async function linkFor(address: string, subject: RegExp): Promise<string> {
  const { link } = await mailTo(parley, address, subject)
  return `${link.pathname}${link.search}${link.hash}`
}

async function typeInto(selector: string, text: string): Promise<void> {
  await tabTo(page, selector)
  await page.keyboard.type(text)
}

const visible = (selector: string) =>
  page.locator(selector).first().waitFor({ state: 'visible', timeout: 10_000 })
const text = async (selector: string) => (await page.locator(selector).textContent()) ?? ''

async function signIn(email: string, secret: string): Promise<void> {
  await page.goto('/sign-in')
  await typeInto('#email', email)
  await typeInto('#password', secret)
  await page.keyboard.press('Enter')
}

async function enter(selector: string, text: string): Promise<void> {
  await page.fill(selector, text)
  await page.keyboard.press('Enter')
}

/** Somebody new, who has come as far as the start page. */
async function signedIn(name: string): Promise<Person> {
  const person = await newPerson(parley, name)
  await signIn(person.email, person.password)
  await page.waitForURL(`${parley.url}/`)
  return person
}

describe('with the keyboard only', () => {
  test('sign up, confirm the address, sign in, turn on a second factor, sign out, sign in with the code', async () => {
    const email = 'grace@people.example'
    await page.goto('/')
    await visible('#you-body .button')
    await tabTo(page, '#begin')
    await page.keyboard.press('Enter')
    await page.waitForURL('**/sign-up')
    await typeInto('#name', 'Grace Hopper')
    await typeInto('#email', email)
    await typeInto('#password', password)
    await page.keyboard.press('Enter')
    await visible('#sent')
    expect(await text('#sent')).toContain(email)
    await screenshot(page, 'sign-up-sent')

    visitor.expectStatus(403)
    await signIn(email, password)
    await visible('#password-step .notice')
    expect(await text('#password-step .notice')).toMatch(/confirm your address/i)

    await page.goto(await linkFor(email, /confirm/i))
    await page.waitForURL('**/sign-in?verified=true')
    expect(await text('#password-step [data-alert]')).toMatch(/confirmed/)
    await typeInto('#email', email)
    await typeInto('#password', password)
    await page.keyboard.press('Enter')
    await page.waitForURL(`${parley.url}/`)
    await visible('#you-body strong')
    expect(await text('#you-body')).toContain('Grace Hopper')

    const uri = await turnOnSecondFactor()
    await signOutByKeyboard()

    await signIn(email, password)
    await visible('#code-step')
    await screenshot(page, 'sign-in-code')
    await assertAccessible(page)
    // The code that turned it on is spent.
    await page.keyboard.type(totpCode(uri, nextWindow()))
    await page.keyboard.press('Enter')
    await page.waitForURL(`${parley.url}/`)
    await visible('#you-body strong')
  })
})

async function turnOnSecondFactor(): Promise<string> {
  await tabTo(page, '#whoami a')
  await page.keyboard.press('Enter')
  await page.waitForURL('**/account')
  await visible('#factor-actions button')
  await visible('#sessions li')
  await assertAccessible(page)
  await screenshot(page, 'account-light')
  await tabTo(page, '#factor-actions button')
  await page.keyboard.press('Enter')
  await page.keyboard.type(password)
  await page.keyboard.press('Enter')
  await visible('#factor-qr svg')
  await screenshot(page, 'account-factor')
  await assertAccessible(page)
  const uri = (await page.getAttribute('#factor-link', 'href')) ?? ''
  const key = (await text('#factor-key')).replaceAll(' ', '')
  expect(new URL(uri).searchParams.get('secret')).toBe(key)
  visitor.expectStatus(401)
  await page.keyboard.type('000000')
  await page.keyboard.press('Enter')
  await visible('#factorCode-note.bad')
  await page.locator('#factorCode').fill('')
  await page.keyboard.type(totpCode(uri))
  await page.keyboard.press('Enter')
  await visible('#factor-codes')
  expect(await page.locator('#factor-code-list li').count()).toBe(10)
  await screenshot(page, 'account-codes')
  await tabTo(page, '#factor-codes [data-cancel]')
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Turn it off' }).waitFor()
  return uri
}

async function signOutByKeyboard(): Promise<void> {
  await page.goto('/')
  await visible('#you-body button.quiet')
  await tabTo(page, '#you-body button.quiet')
  await page.keyboard.press('Enter')
  await visible('#you-body .button')
  expect(await text('#you-body')).toContain('You are not signed in')
}

test('a second factor can be given as a backup code, and turned off again', async () => {
  const person = await signedIn('Barbara')
  await page.goto('/account')
  await page.click('#factor-actions button')
  await page.fill('#factorPassword', 'not the password')
  visitor.expectStatus(401)
  await page.keyboard.press('Enter')
  await visible('#factorPassword-note.bad')
  await enter('#factorPassword', person.password)
  await visible('#factor-key')
  await enter('#factorCode', totpCode((await page.getAttribute('#factor-link', 'href')) ?? ''))
  await visible('#factor-codes')
  const backup = (await page.locator('#factor-code-list li').first().textContent()) ?? ''
  await page.context().clearCookies()

  await signIn(person.email, person.password)
  await visible('#code-step')
  await page.click('#other-code')
  await enter('#code', backup)
  await page.waitForURL(`${parley.url}/`)
  await page.goto('/account')
  await page.getByRole('button', { name: 'Turn it off' }).click()
  await enter('#factorPassword', person.password)
  await page.getByRole('button', { name: 'Set up an authenticator app' }).waitFor()
})

test('a forgotten password is replaced through the mail, once', async () => {
  const person = await newPerson(parley, 'Katherine')
  await page.goto('/sign-in')
  await page.click('text=Forgot your password?')
  await page.waitForURL('**/forgot-password')
  await enter('#email', person.email)
  await visible('#sent')
  const link = await linkFor(person.email, /new password/i)
  await page.goto(link)
  await visible('#choose')
  expect(page.url()).not.toContain('token')
  visitor.expectStatus(400)
  await enter('#newPassword', 'short')
  await visible('#newPassword-note.bad')
  expect(await text('#newPassword-note')).toBe('Must have at least 10 characters.')
  await screenshot(page, 'reset-password-fault')
  await enter('#newPassword', password)
  await visible('#done')
  await page.goto(link)
  await visible('#stale')
  await signIn(person.email, password)
  await page.waitForURL(`${parley.url}/`)
})

test('an invitation reaches a new person, who signs up, confirms, comes back and accepts', async () => {
  const workspace = await newWorkspace(parley)
  const email = 'dorothy@people.example'
  const answer = await workspace.owner.call('post', '/api/v1/invitations', { email, role: 'support_agent' })
  expect(answer.status).toBe(201)
  await page.goto(await linkFor(email, /join/i))
  await visible('#ask-body .button')
  expect(page.url(), 'the token stays out of the address').toBe(`${parley.url}/invitation`)
  await page.click('text=Create an account')
  await page.waitForURL('**/sign-up?next=/invitation')
  await page.fill('#name', 'Dorothy')
  await page.fill('#email', email)
  await enter('#password', password)
  await visible('#sent')
  await page.goto(await linkFor(email, /confirm/i))
  await page.waitForURL('**/sign-in?verified=true**')
  await page.fill('#email', email)
  await enter('#password', password)
  await page.waitForURL('**/invitation')
  await visible('#ask-body button')
  await screenshot(page, 'invitation-accept')
  await assertAccessible(page)
  await page.click('text=Accept the invitation')
  await visible('#joined')
  expect(await text('#joined')).toContain(`Workspace ${workspace.slug}`)
  expect(await text('#joined')).toContain('support agent')
  await page.click('#joined .button')
  await visible('.places li')
  expect(await text('.places')).toContain(workspace.slug)
  await screenshot(page, 'start-signed-in')
  await assertAccessible(page)
  await page.emulateMedia({ colorScheme: 'dark' })
  await assertAccessible(page, { coloursOnly: true })
  await page.setViewportSize(sizes.narrowest)
  await assertFits(page)
})

test('an invitation for somebody else is refused in plain words', async () => {
  const workspace = await newWorkspace(parley)
  await workspace.owner.call('post', '/api/v1/invitations', {
    email: 'x@people.example',
    role: 'support_agent',
  })
  const link = await linkFor('x@people.example', /join/i)
  await signedIn('Mary')
  visitor.expectStatus(403)
  await page.goto(link)
  await page.click('text=Accept the invitation')
  await visible('#ask .notice')
  expect(await text('#ask .notice')).toMatch(/another address/)
  expect(await page.getByRole('button', { name: 'Accept' }).count()).toBe(0)
  await page.click('text=Use another account')
  await page.waitForURL('**/sign-in?next=/invitation')
})

test('an invitation that is none, or is used up, is not offered', async () => {
  await signedIn('Joan')
  await page.goto('/invitation#invite_some-token')
  await visible('#no-token')
  visitor.expectStatus(404)
  await page.goto(`/invitation#invite_${'x'.repeat(54)}`)
  await page.click('text=Accept the invitation')
  await visible('#ask .notice')
  expect(await text('#ask .notice')).toMatch(/unknown, expired or used/)
  expect(await page.getByRole('button', { name: 'Accept' }).count()).toBe(0)
  await assertAccessible(page)
})

test('whoever belongs to no workspace begins one on the start page', async () => {
  const taken = await newWorkspace(parley)
  const person = await signedIn('Nora')
  await visible('#workspace-name')
  await assertAccessible(page)
  await screenshot(page, 'start-found')
  await typeInto('#workspace-name', 'Café & Söhne')
  expect(await page.inputValue('#workspace-slug')).toBe('cafe-sohne')
  await page.fill('#workspace-slug', taken.slug)
  visitor.expectStatus(409)
  await page.keyboard.press('Enter')
  await visible('#you .notice')
  expect(await text('#you .notice')).toMatch(/taken/)
  await enter('#workspace-slug', `nora-${person.userId.slice(-12)}`)
  await visible('text=Café & Söhne')
})
