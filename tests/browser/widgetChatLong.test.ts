import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { enterShop, openWidgetWorld, type Shopper, type WidgetWorld } from '../support/widgetWorld.ts'

/** Of the page, in which those functions run. */
declare const requestAnimationFrame: (run: (now: number) => void) => number
interface Row {
  readonly isConnected: boolean
  closest(selector: string): Row | null
}
interface Root {
  elementFromPoint(x: number, y: number): Row | null
}
interface Page {
  /** That were drawn at one time. */
  mostRows: number
}
declare const MutationObserver: new (
  look: () => void,
) => { observe(element: unknown, what: Readonly<Record<string, boolean>>): void }
interface Entry {
  readonly boundingClientRect: { readonly top: number }
}
declare const IntersectionObserver: new (
  told: (entries: readonly Entry[]) => void,
) => { observe(element: Row): void; disconnect(): void }

let world: WidgetWorld
let browser: Browser
beforeAll(async () => {
  ;[world, browser] = await Promise.all([openWidgetWorld(), launchBrowser()])
  world.model.always('chat', { text: 'So it is.' })
})
afterAll(async () => {
  await browser.close()
  await world.remove()
})

const many = 10_000

/** Written straight into the log, half of it by the visitor, in messages of different heights. */
async function fill(conversationId: string): Promise<void> {
  await world.parley.owner.query(
    `insert into messages (tenant_id, id, conversation_id, seq, public_seq, role, type, parts, text, sender_kind, sender_id, client_id)
     select m.tenant_id, gen_random_uuid(), m.conversation_id, m.seq + n, m.public_seq + n,
       case n % 2 when 0 then 'user' else 'assistant' end, 'text',
       jsonb_build_array(jsonb_build_object('type', 'text', 'text', t.text)), t.text,
       case n % 2 when 0 then 'contact' else 'agent' end,
       case n % 2 when 0 then (select contact_id from conversations c where c.id = $1) else m.sender_id end, 'filled-' || n
     from messages m, generate_series(1, $2::int) n,
       lateral (select 'Message ' || n || repeat(' and something to make it longer', (n % 7)::int) as text) t
     where m.conversation_id = $1 and m.role = 'assistant'`,
    [conversationId, many],
  )
  await world.parley.owner.query(
    `update conversations set (seq, public_seq, answered_seq, asked_seq) = (select max(seq), max(public_seq), max(seq), max(seq)
       from messages where conversation_id = $1) where id = $1`,
    [conversationId],
  )
}

/** Step by step towards the beginning: how often a row was found on the screen, and how far one moved by itself at most. */
const scrollUp = ({ log }: Shopper) =>
  log.evaluate(async element => {
    const root = element.getRootNode() as unknown as Root
    const frame = () => new Promise(requestAnimationFrame)
    const { left, top, width } = element.getBoundingClientRect()
    /** As it is painted: whoever asks at any other moment may see what was put above and is not made up for yet. */
    const topOf = (row: Row) =>
      new Promise<number>(resolve => {
        const observer = new IntersectionObserver(([entry]) => {
          observer.disconnect()
          resolve(entry?.boundingClientRect.top ?? Number.NaN)
        })
        observer.observe(row)
      })
    const rowOnScreen = () => {
      // Between two rows there is a gap, and over some of them a day.
      for (let below = 120; below < 300; below += 12) {
        const row = root.elementFromPoint(left + width / 2, top + below)?.closest('.row')
        if (row) return row
      }
      return undefined
    }
    let found = 0
    let worst = 0
    for (let step = 0; step < 60; step++) {
      element.scrollTop -= 500
      await frame()
      const row = rowOnScreen()
      if (!row) continue
      const before = await topOf(row)
      for (let wait = 0; wait < 4; wait++) await frame()
      // What was drawn anew is no longer where it was either.
      worst = Math.max(worst, row.isConnected ? Math.abs((await topOf(row)) - before) : Infinity)
      found++
    }
    return { found, worst }
  })

test('V1: a history of 10,000 messages is read from end to beginning without a jump, and draws only what is near', async () => {
  const shopper = await enterShop(browser, world)
  const { log, page } = shopper
  await shopper.open()
  await shopper.say('The very first')
  await log.getByText('So it is.').waitFor()
  const { rows } = await world.parley.owner.query(
    `select conversation_id from messages where text = 'The very first' order by created_at desc limit 1`,
  )
  const { conversation_id: conversationId } = rows[0]
  // What is on the screen may still be on its way into the log.
  await eventually('the answer is stored', async () => {
    const answer = `select 1 from messages where conversation_id = $1 and role = 'assistant'`
    return (await world.parley.owner.query(answer, [conversationId])).rows.length === 1
  })
  await fill(conversationId)
  await shopper.go()
  await shopper.open()
  await log.getByText(`Message ${many}`, { exact: false }).first().waitFor()
  const atEnd = () => log.evaluate(one => one.scrollHeight - one.scrollTop - one.clientHeight)
  await eventually('the end is in sight', async () => (await atEnd()) < 2)

  // All the way, also for a moment, no more is drawn than what is near and what has just come.
  await log.evaluate(element => {
    const page = globalThis as unknown as Page
    const look = () => {
      page.mostRows = Math.max(page.mostRows, element.querySelectorAll('.row').length)
    }
    page.mostRows = 0
    new MutationObserver(look).observe(element, { subtree: true, childList: true })
    look()
  })

  // What is looked at stays where it is while older messages come above it.
  const blocks = () => log.locator('.block').count()
  const before = await blocks()
  const { found, worst } = await scrollUp(shopper)
  expect(found).toBe(60)
  expect(worst).toBeLessThan(3)
  expect(await blocks()).toBeGreaterThan(before)

  // On to the beginning, as fast as it can be had.
  await log.evaluate(async element => {
    const until = performance.now() + 120_000
    while (!element.textContent?.includes('The very first') && performance.now() < until) {
      element.scrollTop = 0
      await new Promise(resolve => setTimeout(resolve, 30))
    }
  })
  await log.getByText('The very first').waitFor()
  expect(await blocks()).toBeGreaterThan(240)
  const mostRows = await page.evaluate<number>('mostRows')
  expect(mostRows).toBeGreaterThan(20)
  expect(mostRows).toBeLessThan(400)

  // Typing touches none of them, however many there are.
  const touched = await page.evaluate<number>(`(async () => {
    const root = document.querySelector('[role=complementary]').shadowRoot
    const field = root.querySelector('.foot textarea')
    let count = 0
    const watch = new MutationObserver(changes => { count += changes.length })
    watch.observe(root.querySelector('[role=log]'), { subtree: true, childList: true, attributes: true, characterData: true })
    for (let at = 0; at < 30; at++) {
      field.value += 'a'
      field.dispatchEvent(new InputEvent('input', { bubbles: true }))
      await new Promise(requestAnimationFrame)
    }
    watch.disconnect()
    return count
  })()`)
  expect(touched).toBe(0)
  await shopper.panel.getByRole('button', { name: 'To the newest message' }).click()
  await eventually('the end is in sight again', async () => (await atEnd()) < 2)
  await shopper.composer.fill('And one more')
  await shopper.composer.press('Enter')
  await eventually('it is answered', async () => (await log.getByText('So it is.').count()) > 0)
  await eventually('and in sight', async () => (await atEnd()) < 2)
  shopper.assertClean()
  await shopper.close()
}, 240_000)
