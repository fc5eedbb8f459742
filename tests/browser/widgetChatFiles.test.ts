import type { Browser } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assertAccessible, launchBrowser, screenshot } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { enterShop, openWidgetWorld, type WidgetWorld } from '../support/widgetWorld.ts'

let world: WidgetWorld
let browser: Browser
let picture: Buffer
beforeAll(async () => {
  ;[world, browser] = await Promise.all([openWidgetWorld(), launchBrowser()])
  world.model.always('chat', { text: 'So it is.' })
  const background = { r: 190, g: 150, b: 90 }
  picture = await sharp({ create: { width: 640, height: 420, channels: 3, background } })
    .png()
    .toBuffer()
})
afterAll(async () => {
  await browser.close()
  await world.remove()
})

/** As a browser hands over what was copied or dragged. */
const handOver = (event: string, target: string, name: string, type: string, content: Buffer) => `{
  const data = new DataTransfer()
  const bytes = Uint8Array.from(atob(${JSON.stringify(content.toString('base64'))}), c => c.charCodeAt(0))
  data.items.add(new File([bytes], ${JSON.stringify(name)}, { type: ${JSON.stringify(type)} }))
  const element = document.querySelector('[role=complementary]').shadowRoot.querySelector(${JSON.stringify(target)})
  const made = ${JSON.stringify(event)} === 'paste'
    ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true, composed: true })
    : new DragEvent(${JSON.stringify(event)}, { dataTransfer: data, bubbles: true, cancelable: true, composed: true })
  element.dispatchEvent(made)
}`

test('V5: files by picker, paste and drop, with pictures to be looked at', async () => {
  const shopper = await enterShop(browser, world)
  const { panel, page, log } = shopper
  await shopper.open()
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    panel.getByRole('button', { name: 'Attach a file' }).click(),
  ])
  await chooser.setFiles({ name: 'table.png', mimeType: 'image/png', buffer: picture })
  await panel.getByText('table.png').waitFor()
  await page.evaluate(handOver('paste', 'textarea', 'pasted.png', 'image/png', picture))
  await panel.getByText('pasted.png').waitFor()
  await page.evaluate(handOver('dragover', '.panel', 'notes.txt', 'text/plain', Buffer.from('Some notes')))
  await panel.getByText('Drop files here').waitFor()
  await page.evaluate(handOver('drop', '.panel', 'notes.txt', 'text/plain', Buffer.from('Some notes')))
  await panel.getByText('notes.txt').waitFor()
  await eventually('all have arrived', async () => (await panel.locator('progress').count()) === 0)
  await assertAccessible(page)
  await screenshot(page, 'widget-uploads')
  await shopper.say('Three files')
  await log.getByText('So it is.').waitFor()
  await log.getByRole('button', { name: 'Show table.png larger' }).locator('img[src]').waitFor()
  await log.getByRole('button', { name: 'Download notes.txt' }).waitFor()
  await eventually('the picture is drawn', () =>
    log
      .locator('.picture img')
      .first()
      .evaluate(image => (image as unknown as { naturalWidth: number }).naturalWidth > 0),
  )
  await assertAccessible(page)
  await screenshot(page, 'widget-pictures')
  await log.getByRole('button', { name: 'Show table.png larger' }).click()
  const light = page.getByRole('dialog', { name: 'table.png' })
  await light.locator('img').waitFor()
  await assertAccessible(page)
  await screenshot(page, 'widget-lightbox')
  await page.keyboard.press('ArrowRight')
  await page.getByRole('dialog', { name: 'pasted.png' }).waitFor()
  await page.keyboard.press('Escape')
  await light.waitFor({ state: 'detached' })
  expect(await panel.isVisible()).toBe(true)
  shopper.assertClean()
  await shopper.close()
})

test('V5: a picture opened without a connection comes with it, and names turn nothing around', async () => {
  const shopper = await enterShop(browser, world)
  shopper.forgive(/net::ERR_|WebSocket connection|Failed to load resource/)
  const { panel, page, log, context } = shopper
  await shopper.open()
  const files = ['one.png', '\u202etwo.png'].map(name => ({ name, mimeType: 'image/png', buffer: picture }))
  await panel.locator('input[type=file]').setInputFiles(files)
  const send = panel.getByRole('button', { name: 'Send' })
  await eventually(
    'both are uploaded',
    async () => (await send.isEnabled()) && (await panel.locator('.files li').count()) === 2,
    20_000,
  )
  await send.click()
  await log.getByText('So it is.').waitFor()
  await eventually('both are small', async () => (await log.locator('.picture img[src]').count()) === 2)
  // What draws it is there already.
  await panel.getByRole('button', { name: 'More' }).click()
  await panel.getByRole('menu').waitFor()
  await page.keyboard.press('Escape')
  await context.setOffline(true)
  await panel.getByText(/No connection/).waitFor()
  await log.getByRole('button', { name: 'Show one.png larger' }).click()
  const light = panel.locator('.light')
  await light.getByText(/No connection/).waitFor()
  await assertAccessible(page)
  await screenshot(page, 'widget-lightbox-offline')
  await context.setOffline(false)
  await eventually(
    'it is drawn',
    async () =>
      (await light.locator('img').count()) === 1 &&
      (await light
        .locator('img')
        .evaluate(image => (image as unknown as { naturalWidth: number }).naturalWidth > 0)),
    20_000,
  )
  await light.getByText(/No connection/).waitFor({ state: 'detached' })
  await page.keyboard.press('ArrowRight')
  await page.getByRole('dialog', { name: 'two.png' }).waitFor()
  expect(await light.getAttribute('aria-label')).toBe('two.png')
  await shopper.close()
})

test('V5: what cannot be sent is said before; what is on its way can be taken back and survives the page', async () => {
  const shopper = await enterShop(browser, world, { config: { files: { maxBytes: 20_000 } } })
  const { panel, page } = shopper
  await shopper.open()
  const drop = (name: string, type: string, content: Buffer) =>
    page.evaluate(handOver('drop', '.panel', name, type, content))
  await drop('huge.txt', 'text/plain', Buffer.alloc(30_000, 'x'))
  await panel.getByText('huge.txt is larger than 20 kB.').waitFor()
  await drop('program.exe', 'application/x-msdownload', Buffer.from('MZ'))
  await panel.getByText('program.exe is of a type that cannot be sent.').waitFor()
  await drop('one.txt', 'text/plain', Buffer.from('one'))
  await drop('two.txt', 'text/plain', Buffer.from('two'))
  await panel.getByRole('button', { name: 'Remove one.txt' }).click()
  await eventually('the other has arrived', async () => (await panel.locator('progress').count()) === 0)
  await shopper.go()
  await shopper.open()
  await panel.getByText('two.txt').waitFor()
  expect(await panel.getByText('one.txt').count()).toBe(0)
  await shopper.composer.press('Enter')
  await shopper.log.getByRole('button', { name: 'Download two.txt' }).waitFor()
  shopper.assertClean()
  await shopper.close()
})
