import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Router } from 'express'

const pagesFolder = join(import.meta.dirname, 'pages')

/** The page of a made-up shop, with the widget of the demo workspace; where there is none, a page that says how to get one. */
export function demoPage(widgetKey: (() => Promise<string | undefined>) | undefined): Router {
  const shop = readFileSync(join(pagesFolder, 'shop.html'), 'utf8')
  const router = Router()
  router.get('/demo', async (_request, response) => {
    const key = await widgetKey?.()
    if (key === undefined) response.status(404).sendFile(join(pagesFolder, 'no-demo.html'))
    // Keys are made of letters, digits and `_`, by us.
    else response.type('html').send(shop.replace('{{widget}}', () => key))
  })
  return router
}
