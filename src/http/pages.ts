import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import express, { type Request, type RequestHandler, Router } from 'express'
import { errorCodes, errorTable } from '../protocol/index.ts'
import type { Doorkeeper } from './call.ts'

const pagesFolder = join(import.meta.dirname, 'pages')
/** What is served under its own name; the other pages are sent by the routes below. */
const site = join(pagesFolder, 'site')

/** The start page and the pages of a person's account, to which links in mails lead. The last router: it also says 404 to browsers. */
export function startPages(doorkeeper: Pick<Doorkeeper, 'usesCookie'>): Router {
  const router = Router()
  router.use(
    hintAtSession(doorkeeper),
    express.static(site, { extensions: ['html'], index: 'index.html', redirect: false, maxAge: 0 }),
    noSuchPage,
  )
  return router
}

/** The API as a document and as a page to browse it; everything comes from this server. */
export function docsPages(document: object): Router {
  const router = Router()
  const viewer = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
  const json = JSON.stringify(document)
  const errors = errorPage()
  router.get('/api/openapi.json', (_request, response) => {
    response.type('application/json').send(json)
  })
  router.get('/api/docs', (_request, response) => {
    response.sendFile(join(pagesFolder, 'docs.html'))
  })
  router.get('/api/docs/errors', (_request, response) => {
    response.type('html').send(errors)
  })
  router.use(
    '/api/docs/viewer',
    // Set here because everything below /api has been told by now that it must not be stored.
    express.static(viewer, {
      index: false,
      redirect: false,
      setHeaders: response => response.setHeader('Cache-Control', 'public, max-age=86400'),
    }),
  )
  return router
}

/**
 * Scripts cannot see the session cookie. This one, which says no more than that there is one, spares every page of somebody who
 * is signed out a question that could only be answered with an error.
 */
function hintAtSession({ usesCookie }: Pick<Doorkeeper, 'usesCookie'>): RequestHandler {
  return (request, response, next) => {
    const hinted = /(?:^|;\s*)parley\.hint=1(?:;|$)/.test(request.get('cookie') ?? '')
    const here = usesCookie(request.headers)
    const attributes = { path: '/', sameSite: 'lax' } as const
    if (here && !hinted) response.cookie('parley.hint', '1', attributes)
    if (!here && hinted) response.clearCookie('parley.hint', attributes)
    next()
  }
}

/** A person gets a page; a program gets the problem that the next handler sends. */
const noSuchPage: RequestHandler = (request, response, next) => {
  response.vary('Accept')
  if (wantsPage(request)) response.status(404).sendFile(join(pagesFolder, 'not-found.html'))
  else next()
}

const wantsPage = (request: Request): boolean =>
  (request.method === 'GET' || request.method === 'HEAD') &&
  !/^\/api\/(?:v1|auth)(?:\/|$)/.test(request.path) &&
  request.accepts(['json', 'html']) === 'html'

/** Written from the error table itself, because every problem links to its code here. */
function errorPage(): string {
  const rows = errorCodes.map(code => {
    const { status, retryable, title, client } = errorTable[code]
    return `<article class="code" id="${code}">
          <h2><a href="#${code}">${code}</a></h2>
          <p class="marks"><span class="mark">${status}</span>${retryable ? '<span class="mark good">may be repeated</span>' : ''}</p>
          <p>${escaped(title)}.</p>
          <p class="soft">${escaped(client).replace(/`([^`]+)`/g, '<code>$1</code>')}</p>
        </article>`
  })
  return readFileSync(join(pagesFolder, 'errors.html'), 'utf8').replace('<!-- error table -->', () =>
    rows.join('\n        '),
  )
}

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, character => `&#${character.codePointAt(0)};`)
