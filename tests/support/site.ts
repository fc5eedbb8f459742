import type { IncomingMessage, ServerResponse } from 'node:http'
import { serving } from './outgoing.ts'

export type Page =
  | string
  | ((request: IncomingMessage, response: ServerResponse) => void)
  | {
      readonly status?: number
      readonly headers?: Record<string, string>
      readonly body?: string | Uint8Array
    }

/** A website whose pages can change, and who asked for what. */
export interface Site {
  readonly url: string
  readonly port: number
  readonly pages: Map<string, Page>
  readonly asked: string[]
}

export async function startSite(pages: Readonly<Record<string, Page>>): Promise<Site> {
  const kept = new Map(Object.entries(pages))
  const asked: string[] = []
  const { url, port } = await serving((request, response) => {
    const path = request.url ?? '/'
    asked.push(path)
    const page = kept.get(path) ?? kept.get(path.split('?')[0] ?? '')
    if (typeof page === 'function') return page(request, response)
    if (page === undefined) return void response.writeHead(404).end('not here')
    const { status = 200, headers = {}, body } = typeof page === 'string' ? { body: page } : page
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(body)
  })
  return { url, port, pages: kept, asked }
}

/** Long enough that nobody takes it for a stub, and different from every other. */
export const page = (title: string, text: string, links: readonly string[] = [], head = '') =>
  `<!doctype html><html><head><title>${title}</title>${head}</head><body><h1>${title}</h1><p>${text}</p>${links
    .map(link => (link.startsWith('<') ? link : `<a href="${link}">more</a>`))
    .join(' ')}</body></html>`
