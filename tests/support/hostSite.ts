import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { newVisitor, startBrowsable, type Visitor } from './browser.ts'
import { closeServers } from './outgoing.ts'
import type { TestParley } from './parley.ts'
import { newWorkspace, type Workspace } from './people.ts'
import { startSite } from './site.ts'

/** The website of a tenant, whose pages embed its widget. It has another origin than the program, as most have. */
export interface HostSite {
  readonly parley: TestParley
  readonly workspace: Workspace
  readonly url: string
  /** Another widget, with these settings; returns its key. */
  widget(settings?: object): Promise<string>
  /** The same with all that the server says of it. */
  newWidget(settings?: object): Promise<MadeWidget>
  /** Puts a page there, and returns its address. */
  put(page: HostPage): string
  visit(browser: Browser, options?: BrowserContextOptions): Promise<Guest>
  remove(): Promise<void>
}

export interface MadeWidget {
  readonly id: string
  readonly publicKey: string
}

export interface HostPage {
  readonly key?: string
  /** In place of the plain tag. */
  readonly tag?: string
  readonly head?: string
  readonly body?: string
  readonly lang?: string
  readonly headers?: Record<string, string>
}

/** Who visits the site, and what their page asked Parley for. */
export interface Guest extends Visitor {
  readonly asked: string[]
  /** Of the page's console. */
  readonly warnings: string[]
  readonly launcher: Locator
  readonly panel: Locator
}

export const openHostSite = async (environment: Readonly<Record<string, string>> = {}): Promise<HostSite> =>
  hostSiteOf(await startBrowsable(environment))

/** The same for a program that runs already. */
export async function hostSiteOf(parley: TestParley): Promise<HostSite> {
  const workspace = await newWorkspace(parley)
  const site = await startSite({ '/favicon.ico': { status: 204 } })
  const url = `http://shop.localhost:${site.port}`
  let pages = 0
  let widgets = 0
  const newWidget = async (settings: object = {}) => {
    const answer = await workspace.owner.call<MadeWidget>('post', '/api/v1/widgets', {
      name: `Widget ${++widgets}`,
      allowedDomains: ['shop.localhost'],
      ...settings,
    })
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body))
    return answer.body
  }
  return {
    ...{ parley, workspace, url, newWidget },
    widget: async settings => (await newWidget(settings)).publicKey,
    put({ key = '', head = '', body = '', lang = 'en', headers = {}, ...page }) {
      const tag = page.tag ?? `<script async src="${parley.url}/widget.js" data-widget="${key}"></script>`
      const path = `/page-${++pages}`
      site.pages.set(path, {
        headers,
        body: `<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><title>Page ${pages}</title>${head}${tag}</head>
          <body><main><h1>A shop</h1><p><button id="own">A button of the page</button></p>${body}</main></body></html>`,
      })
      return `${url}${path}`
    },
    visit: async (browser, options) => guestOf(await newVisitor(browser, url, options), parley.url),
    async remove() {
      closeServers()
      await parley.remove()
    },
  }
}

function guestOf(visitor: Visitor, parley: string): Guest {
  const asked: string[] = []
  const warnings: string[] = []
  // That the widget asks Parley, and is drawn by Parley's words, is what it is for.
  visitor.forgive(new RegExp(`^asked ${parley}$`))
  visitor.forgive(new RegExp(`^asked ${parley.replace('http', 'ws')}$`))
  visitor.context.on('request', request => {
    if (request.url().startsWith(parley)) asked.push(request.url().slice(parley.length))
  })
  visitor.context.on('console', message => {
    if (message.text().startsWith('[Parley]')) warnings.push(message.text())
  })
  const { page } = visitor
  return {
    ...{ ...visitor, asked, warnings },
    launcher: page.locator('parley-widget .launcher .open'),
    panel: page.locator('parley-widget [role=dialog]').first(),
  }
}

/** The widget as the page sees it, in its own words. */
export const parleyOf = <Result = unknown>(page: Page, expression: string): Promise<Result> =>
  page.evaluate<Result>(
    `(() => { const result = ${expression}; return result instanceof Promise ? result : result ?? null })()`,
  )
