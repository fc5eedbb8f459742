import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, screenshot } from '../support/browser.ts'
import { type Cluster, clusterPossible, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { type Guest, type HostSite, hostSiteOf } from '../support/hostSite.ts'

/** By the page's own clock, when each attempt began and when it was over: the WebSocket first, then the request in the place of it. */
const watchAttempts = `
  self.attempts = { begun: [], over: [] }
  self.WebSocket = class extends WebSocket {
    constructor(...input) {
      super(...input)
      attempts.begun.push(Date.now())
    }
  }
  const ask = fetch
  self.fetch = (...input) => ask(...input).catch(error => {
    attempts.over.push(Date.now())
    throw error
  })`

interface Attempts {
  readonly begun: readonly number[]
  readonly over: readonly number[]
}

/** How long it was waited before each attempt after the one before. */
const pauses = ({ begun, over }: Attempts): number[] =>
  begun.flatMap((begin, at) => {
    const end = over.findLast(end => end < begin)
    return end === undefined || end < (begun[at - 1] ?? begin) ? [] : [begin - end]
  })

/** A step of the page's clock is short beside what the client waits for; after it what was refused in earnest has come back. */
const stepMs = 1_000
const hourMs = 3_600_000

describe.skipIf(!clusterPossible)('a server that is away for an hour', () => {
  let cluster: Cluster
  let site: HostSite
  let browser: Browser
  beforeAll(async () => {
    ;[cluster, browser] = await Promise.all([startCluster({ nodes: 1 }), launchBrowser()])
    site = await hostSiteOf(cluster.parley(0))
  })
  afterAll(async () => {
    await browser.close()
    await site.remove()
    await cluster.stop()
  })

  const stored = async () => {
    const { rows } = await cluster.database.owner.query(
      `select text from messages where role = 'user' order by created_at, seq`,
    )
    return rows.map(({ text }) => text)
  }
  const own = ({ panel }: Guest) => panel.locator('.own .bubble').allTextContents()
  const say = async ({ panel, page }: Guest, words: string) => {
    await panel.locator('textarea').fill(words)
    await page.keyboard.press('Enter')
  }

  test('L2, L5: is waited for without hurry; what was typed meanwhile leaves once and in order', async () => {
    const guest = await site.visit(browser)
    guest.forgive(/net::ERR_|WebSocket connection|Failed to load resource|CORS/)
    const { page, panel } = guest
    await guest.context.addInitScript(watchAttempts)
    await page.clock.install()
    await page.goto(site.put({ key: await site.widget() }))
    await page.clock.resume()
    await guest.launcher.click()
    await panel.waitFor()
    await say(guest, 'Before')
    await panel.locator('.own [title=Sent]').waitFor()

    await cluster.nodes[0]?.kill()
    for (const words of ['The first', 'The second', 'The third']) await say(guest, words)
    await panel.locator('textarea').fill('Not finished')
    await panel.getByText('No connection. What you write is kept').waitFor()
    expect(await panel.getByText('Waiting to be sent').count()).toBe(3)
    await screenshot(page, 'widget-away')
    guest.asked.length = 0
    await page.evaluate('attempts = { begun: [], over: [] }')
    for (let passed = 0; passed < hourMs; passed += stepMs) await page.clock.runFor(stepMs)
    const attempts = await page.evaluate<Attempts>('attempts')
    const waited = pauses(attempts)
    // About two seconds each time, to the end of the hour: neither a storm nor a visitor who waits for long once it is back.
    const mean = waited.reduce((sum, pause) => sum + pause, 0) / waited.length
    expect(mean).toBeGreaterThan(1_500)
    expect(mean).toBeLessThan(2_500)
    expect(Math.max(...waited)).toBeLessThan(4_500)
    expect(attempts.begun.length).toBeGreaterThan(200)
    expect(attempts.begun.length).toBeLessThan(hourMs / 2_000)
    // Nobody asks for another token without need.
    expect(guest.asked.filter(path => !path.startsWith('/socket.io/'))).toEqual([])
    expect(await own(guest)).toEqual(['Before', 'The first', 'The second', 'The third'])
    await panel.getByText('No connection. What you write is kept').waitFor()
    expect(await panel.locator('textarea').inputValue()).toBe('Not finished')

    await cluster.nodes[0]?.start()
    await eventually('all are stored', async () => (await stored()).length >= 4, 20_000)
    await panel.getByText('No connection').waitFor({ state: 'detached' })
    await panel.locator('textarea').press('Enter')
    await eventually('what was finished later, too', async () => (await stored()).length >= 5)
    const all = ['Before', 'The first', 'The second', 'The third', 'Not finished']
    expect(await stored()).toEqual(all)
    expect(await own(guest)).toEqual(all)
    await eventually('nothing waits', async () => (await panel.getByText('Waiting to be sent').count()) === 0)
    guest.assertClean()
    await guest.close()
  }, 240_000)
})
