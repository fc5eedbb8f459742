import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { type AnswerWorld, furnishAnswerWorld } from './answerWorld.ts'
import { newVisitor, startBrowsable, type Visitor } from './browser.ts'
import type { Person } from './people.ts'
import { quickMember } from './quickPeople.ts'
import { type Script, type ScriptedModel, startScriptedModel } from './services/scriptedModel.ts'
import { connectMember, type TestSocket } from './sockets.ts'

const folder = join(import.meta.dirname, '..', '..', 'widget')

/** The app as its build makes it, by the path below /app/. */
async function bundle(): Promise<ReadonlyMap<string, string>> {
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'app', 'main.tsx')],
    ...{ bundle: true, splitting: true, format: 'esm', minify: true, target: 'es2022', write: false },
    ...{ outdir: '/app', jsx: 'automatic', jsxImportSource: 'preact', charset: 'utf8', logLevel: 'silent' },
  })
  return new Map(outputFiles.map(({ path, text }) => [path, text]))
}

let bundled: Promise<ReadonlyMap<string, string>> | undefined

/** The program with its widget, a scripted model behind its agent, and the website of a shop that embeds it. */
export interface WidgetWorld extends AnswerWorld {
  readonly model: ScriptedModel
  readonly site: string
  /** What the next answers are, one after the other. */
  answersWith(...scripts: Script[]): void
  setWidget(settings: object, key?: string): Promise<void>
  /** With which its site signs who comes. */
  identitySecret(): Promise<string>
  colleague(): Promise<TestSocket & { readonly person: Person }>
}

export async function openWidgetWorld(
  environment: Readonly<Record<string, string>> = {},
): Promise<WidgetWorld> {
  bundled ??= bundle()
  const model = await startScriptedModel()
  const parley = await startBrowsable({
    ...{ OPENAI_BASE_URL: model.url, OPENAI_MODEL: 'scripted', ...environment },
  })
  const furnished = await furnishAnswerWorld(parley)
  const nora = { name: 'Nora', welcomeMessage: 'Hello, I am **Nora**. What would you like to know?' }
  const world = { ...furnished, ...(await furnished.newAgent(nora)) }
  const { workspace } = world
  const server = await serveShop(parley.url, await bundled)
  const site = `http://shop.localhost:${(server.address() as AddressInfo).port}`
  const widgetOf = async (key: string) => {
    const { body } = await workspace.owner.call<{ items: { id: string; publicKey: string }[] }>(
      'get',
      '/api/v1/widgets',
    )
    return body.items.find(({ publicKey }) => publicKey === key)?.id
  }
  const setWidget: WidgetWorld['setWidget'] = async (settings, key = world.widgetKey) => {
    const { status, body } = await workspace.owner.call(
      'patch',
      `/api/v1/widgets/${await widgetOf(key)}`,
      settings,
    )
    if (status !== 200) throw new Error(`the widget was not changed: ${status} ${JSON.stringify(body)}`)
  }
  await setWidget({ allowedDomains: ['shop.localhost'] })
  const identitySecret = async () => {
    const path = `/api/v1/widgets/${await widgetOf(world.widgetKey)}/identity-secret`
    const { status, body } = await workspace.owner.call<{ secret: string }>('post', path)
    if (status !== 201) throw new Error(`no secret was made: ${status}`)
    return body.secret
  }
  return {
    ...world,
    ...{ model, site, setWidget, identitySecret },
    answersWith: (...scripts) =>
      model.always('chat', ({ body }) => (body.stream ? scripts.shift() : undefined) ?? { text: 'Yes.' }),
    colleague: async () => {
      const person = await quickMember(parley, workspace, 'support_agent')
      return { ...(await connectMember(parley.url, person)), person }
    },
    remove: async () => {
      server.closeAllConnections()
      server.close()
      await world.remove()
      await model.stop()
    },
  }
}

/** A strict policy and styles of the shop's own that must not reach the widget. */
const policyFor = (parley: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ${parley} ${parley.replace('http', 'ws')}`,
    `img-src 'self' ${parley}`,
  ].join('; ')

const shop = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Fjord & Oak</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="/icon.png">
<link rel="stylesheet" href="/shop.css"><script src="/shop.js" type="module"></script></head>
<body><header><h1>Fjord & Oak</h1></header><main><h2>Tables of solid oak</h2>
<p>Made in Hamburg, delivered all over Europe.</p><a href="/?page=2">Another page</a></main></body></html>`

const styles = `:root{font-size:10px}body{font:18px/1.6 Georgia,serif;margin:0;color:#222;background:#faf7f2}
main,header{max-width:60em;margin:auto;padding:1.5em}button{all:unset;text-transform:uppercase!important;color:red!important}
*{letter-spacing:.01em}textarea,input{border:5px solid lime!important}@media(prefers-color-scheme:dark){body{background:#1d1c1a;color:#eee}a{color:#9cf}}`

const script = readFileSync(join(import.meta.dirname, 'widgetHost.js'), 'utf8')

async function serveShop(parley: string, app: ReadonlyMap<string, string>): Promise<Server> {
  const server = createServer(({ url = '/' }, response) => {
    const { pathname } = new URL(url, 'http://shop.localhost')
    const send = (type: string, body: string) =>
      response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body)
    const chunk = app.get(pathname)
    response.setHeader('access-control-allow-origin', '*')
    if (chunk !== undefined) return void send('text/javascript', chunk)
    if (pathname === '/shop.js') return void send('text/javascript', script)
    if (pathname === '/shop.css') return void send('text/css', styles)
    if (pathname === '/icon.png') return void response.writeHead(204).end()
    if (pathname !== '/') return void response.writeHead(404).end()
    response.setHeader('content-security-policy', policyFor(parley))
    send('text/html', shop)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

export interface ShopOptions extends BrowserContextOptions {
  /** Instead of what the server says of the widget. */
  readonly config?: object
  readonly language?: string
  readonly identity?: string
  readonly key?: string
}

export interface Shopper extends Visitor {
  /** Within the shadow of the widget. */
  readonly panel: Locator
  readonly log: Locator
  readonly composer: Locator
  /** Everything that the app told its loader. */
  told(type?: string): Promise<Record<string, unknown>[]>
  /** A method of the app. */
  app(method: string, ...input: unknown[]): Promise<void>
  open(): Promise<void>
  say(words: string): Promise<void>
  go(): Promise<void>
  /** Another page of the same browser. */
  tab(): Promise<Shopper>
}

export async function enterShop(
  browser: Browser,
  world: WidgetWorld,
  options: ShopOptions = {},
): Promise<Shopper> {
  const { config, language, identity, key = world.widgetKey, ...more } = options
  const visitor = await newVisitor(browser, world.site, more)
  const { origin } = new URL(world.parley.url)
  visitor.forgive(new RegExp(`^asked ${origin}$|^asked ${origin.replace('http', 'ws')}$`))
  await visitor.context.addInitScript(
    `self.shop = ${JSON.stringify({ origin, key, config, language, identity })}`,
  )
  const shopper = shopperOn(visitor, visitor.page)
  await shopper.go()
  return shopper
}

function shopperOn(visitor: Visitor, page: Page): Shopper {
  const panel = page.locator('.panel')
  const composer = panel.locator('.foot textarea')
  const mounted = () => page.locator('#launcher[data-ready]').waitFor()
  return {
    ...visitor,
    ...{ page, panel, composer, log: panel.locator('.log') },
    told: async type => {
      const all = await page.evaluate<Record<string, unknown>[]>('self.told')
      return type === undefined ? all : all.filter(event => event.type === type)
    },
    app: async (method, ...input) => {
      await mounted()
      await page.evaluate(`self.parleyApp[${JSON.stringify(method)}](...${JSON.stringify(input)})`)
    },
    open: async () => {
      await page.click('#launcher')
      await panel.waitFor()
    },
    say: async words => {
      await composer.fill(words)
      await composer.press('Enter')
    },
    go: async () => {
      await page.goto('/')
      await mounted()
    },
    tab: async () => {
      const other = shopperOn(visitor, await visitor.context.newPage())
      await other.go()
      return other
    },
  }
}
