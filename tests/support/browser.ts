import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core'
import { expect, inject } from 'vitest'
import { databaseKinds } from './databases.ts'
import { startParley, type TestParley } from './parley.ts'

const screenshots = join(import.meta.dirname, '..', 'screenshots')
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export const sizes = {
  desktop: { width: 1280, height: 900 },
  phone: { width: 390, height: 844 },
  narrowest: { width: 320, height: 640 },
} as const

/** The program on a port that is known before it starts, so that the links in its mails lead to it. */
export async function startBrowsable(
  environment: Readonly<Record<string, string>> = {},
): Promise<TestParley> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return startParley(databaseKinds.at(-1) ?? 'embedded', { PORT: String(port), ...environment })
}

/** A browser of one's own with a fresh profile, which asks nobody for anything. */
export function launchBrowser(): Promise<Browser> {
  const { chromium: found } = inject('services')
  if (!found) throw new Error('Chromium could not be had')
  return chromium.launch({
    executablePath: found.path,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** A person's browser: its pages share cookies, and everything that no page of ours may do is written down. */
export interface Visitor {
  readonly context: BrowserContext
  readonly page: Page
  /** Answers with these statuses are part of the test: browsers write every failed request to the console. */
  expectStatus(...statuses: number[]): void
  /** Faults of this kind are part of the test. */
  forgive(kind: RegExp): void
  /** Fails if a page wrote an error, broke the content security policy or asked another origin for anything. */
  assertClean(): void
  close(): Promise<void>
}

export async function newVisitor(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: sizes.desktop,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    ...options,
  })
  const faults: string[] = []
  const forgiven: RegExp[] = []
  const { origin } = new URL(url)
  context.on('request', request => {
    const asked = new URL(request.url())
    if (/^(https?|wss?):$/.test(asked.protocol) && asked.origin !== origin)
      faults.push(`asked ${asked.origin}`)
  })
  context.on('console', message => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    faults.push(`${message.type()}: ${message.text()}`)
  })
  context.on('weberror', error => faults.push(`threw ${error.error().stack ?? error.error().message}`))
  // Listened to as well: a violation in a worker or a frame need not reach the console of the page.
  await context.exposeFunction('reportViolation', (text: string) => faults.push(`violates ${text}`))
  await context.addInitScript(`addEventListener('securitypolicyviolation', event =>
    reportViolation(event.violatedDirective + ' ' + event.blockedURI))`)
  return {
    context,
    page: await context.newPage(),
    expectStatus: (...statuses) => {
      for (const status of statuses) forgiven.push(new RegExp(`status of ${status} `))
    },
    forgive: kind => {
      forgiven.push(kind)
    },
    assertClean: () => {
      const found = faults.filter(fault => !forgiven.some(kind => kind.test(fault)))
      if (found.length > 0) throw new Error(['The browser has seen:', ...found].join('\n'))
    },
    close: () => context.close(),
  }
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly help: string
    readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[]
  }[]
}

const everyRule = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

interface AxeScope {
  /** Left out: what others draw. */
  readonly exclude?: readonly string[]
  /** Once a page has been looked at in full, another colour scheme can only differ in its colours. */
  readonly coloursOnly?: boolean
}

/** Every rule of WCAG 2.2 A and AA that a machine can check, and axe's own best practices. */
export async function assertAccessible(page: Page, scope: AxeScope = {}): Promise<void> {
  await page.evaluate(axeSource)
  const where = { include: [['html']], exclude: (scope.exclude ?? []).map(selector => [selector]) }
  const runOnly = scope.coloursOnly
    ? { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }
    : { type: 'tag', values: everyRule }
  const result = await page.evaluate<AxeResult>(
    `axe.run(${JSON.stringify(where)}, ${JSON.stringify({ runOnly, resultTypes: ['violations'] })})`,
  )
  const found = result.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${help}): ${target.join(' ')} ${failureSummary ?? ''}`),
  )
  expect(found, page.url()).toEqual([])
}

/** Nothing sticks out to the side: the page only scrolls up and down. */
export async function assertFits(page: Page): Promise<void> {
  const [wanted, given] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  )
  expect(wanted, `${page.url()} at ${given} px`).toBeLessThanOrEqual(given)
}

/** For people to look at; git ignores the folder. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(screenshots, { recursive: true })
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })
}

/** Presses Tab until the element has the focus, as somebody without a mouse would. */
export async function tabTo(page: Page, selector: string, most = 40): Promise<void> {
  const focused = `document.activeElement === document.querySelector(${JSON.stringify(selector)})`
  for (let presses = 0; presses < most; presses++) {
    if (await page.evaluate<boolean>(focused)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${selector} cannot be reached with the Tab key on ${page.url()}`)
}
