import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { type Guest, type HostSite, openHostSite, parleyOf } from '../support/hostSite.ts'
import { signed } from '../support/identities.ts'

let site: HostSite
let browser: Browser

beforeAll(async () => {
  ;[site, browser] = await Promise.all([openHostSite(), launchBrowser()])
})
afterAll(async () => {
  await browser.close()
  await site.remove()
})

/** What the site signs with, after the widget was told of it. */
const ways: Readonly<Record<'HS256' | 'EdDSA', (widgetId: string) => Promise<string | KeyObject>>> = {
  async HS256(id) {
    const answer = await site.workspace.owner.call<{ secret: string }>(
      'post',
      `/api/v1/widgets/${id}/identity-secret`,
    )
    expect(answer.status).toBe(201)
    return answer.body.secret
  },
  async EdDSA(id) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const answer = await site.workspace.owner.call('put', `/api/v1/widgets/${id}/identity-key`, {
      publicKey: publicKey.export({ type: 'spki', format: 'pem' }),
    })
    expect(answer.status).toBe(204)
    return privateKey
  },
}

async function say({ page, panel }: Guest, words: string): Promise<void> {
  await panel.locator('textarea').fill(words)
  await page.keyboard.press('Enter')
  await panel.locator('.own .bubble').getByText(words).waitFor()
  await eventually('it is stored', async () => (await whoSaid(words)) !== undefined)
}

async function open({ launcher, panel }: Guest): Promise<void> {
  await launcher.click()
  await panel.waitFor()
}

const whoSaid = async (words: string) => {
  const { rows } = await site.parley.owner.query(
    `select c.id, c.external_id as "externalId", c.verified from contacts c
       join conversations t on t.contact_id = c.id join messages m on m.conversation_id = t.id where m.text = $1`,
    [words],
  )
  return rows[0] as { id: string; externalId: string | null; verified: boolean } | undefined
}

const early = (call: string) => `<script>
  window.Parley = function () { (Parley.q = Parley.q || []).push(arguments) }
  window.told = []
  Parley('on', 'error', error => told.push(error.code))
  ${call}</script>`

const own = ({ panel }: Guest) => panel.locator('.own .bubble')

test.each(['HS256', 'EdDSA'] as const)(
  'V3: by %s the site says who its visitor is, on each of their devices, and logout makes them nobody',
  async alg => {
    const { id, publicKey: key } = await site.newWidget()
    const signingKey = await ways[alg](id)
    const sub = `ada-${alg}`
    const token = (subject: string) => signed({ sub: subject, aud: key, name: 'Ada' }, signingKey, alg)
    const words = (what: string) => `${what} (${alg})`

    const phone = await site.visit(browser)
    await phone.page.goto(site.put({ key, head: early('') }))
    await open(phone)
    await say(phone, words('Before I signed in'))
    expect(await whoSaid(words('Before I signed in'))).toMatchObject({ externalId: null, verified: false })
    await parleyOf(phone.page, `Parley.identify('${await token(sub)}')`)
    await say(phone, words('As myself'))
    const ada = await whoSaid(words('As myself'))
    expect(ada).toMatchObject({ externalId: sub, verified: true })
    // What was said before is theirs, too.
    expect(await whoSaid(words('Before I signed in'))).toEqual(ada)

    // Told before the widget was there, in a browser that was never here.
    const desk = await site.visit(browser)
    await desk.page.goto(site.put({ key, head: early(`Parley('identify', '${await token(sub)}')`) }))
    await open(desk)
    await own(desk).getByText(words('As myself')).waitFor()
    await say(desk, words('From my desk'))
    expect(await whoSaid(words('From my desk'))).toEqual(ada)

    await parleyOf(desk.page, `Parley('logout')`)
    await desk.panel.waitFor({ state: 'hidden' })
    expect(await desk.page.evaluate('[localStorage.length, sessionStorage.length]')).toEqual([0, 0])
    await open(desk)
    await say(desk, words('The next at this desk'))
    expect(await own(desk).allTextContents()).toEqual([words('The next at this desk')])
    const next = await whoSaid(words('The next at this desk'))
    expect(next).toMatchObject({ externalId: null, verified: false })
    expect(next?.id).not.toBe(ada?.id)
    // Somebody else signs in there, who is neither of them.
    await parleyOf(desk.page, `Parley.identify('${await token(`bob-${alg}`)}')`)
    await say(desk, words('Bob'))
    expect(await whoSaid(words('Bob'))).toMatchObject({ externalId: `bob-${alg}` })
    expect(await own(desk).getByText(words('As myself')).count()).toBe(0)
    expect(await phone.page.evaluate('told')).toEqual([])
    for (const guest of [phone, desk]) {
      guest.assertClean()
      await guest.close()
    }
  },
)

test.each(['HS256', 'EdDSA'] as const)(
  'V3: a token that was not signed by the site’s own %s key lets nobody be somebody, and logout goes on without it',
  async alg => {
    const { id, publicKey: key } = await site.newWidget()
    await ways[alg](id)
    const { privateKey } = generateKeyPairSync('ed25519')
    const foreign = alg === 'EdDSA' ? privateKey : 'a secret that is as long as the one of the site is'
    const token = await signed({ sub: `mallory-${alg}` }, foreign, alg)
    const guest = await site.visit(browser)
    guest.expectStatus(401)
    guest.forgive(/^warning: \[Parley\]/)
    await guest.page.goto(site.put({ key, head: early(`Parley('identify', '${token}')`) }))
    await open(guest)
    await eventually(
      'the page is told',
      async () => JSON.stringify(await guest.page.evaluate('told')) === '["unauthenticated"]',
    )
    // Whoever builds the page reads it on the console, too.
    expect(guest.warnings).toHaveLength(1)
    const { rows } = await site.parley.owner.query('select 1 from contacts where external_id = $1', [
      `mallory-${alg}`,
    ])
    expect(rows).toEqual([])
    await parleyOf(guest.page, 'Parley.logout()')
    await open(guest)
    await say(guest, `Nobody in particular (${alg})`)
    expect(await whoSaid(`Nobody in particular (${alg})`)).toMatchObject({ externalId: null })
    guest.assertClean()
    await guest.close()
  },
)
