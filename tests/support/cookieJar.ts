import type { Answer, Caller } from './people.ts'

export interface Browser extends Caller {
  readonly cookies: Map<string, string>
  /** What a browser would send as Cookie. */
  cookieHeader(): string
}

/** Keeps cookies as a browser does and says where its page comes from; follows no redirect. */
export function newBrowser(parley: { readonly url: string }): Browser {
  const cookies = new Map<string, string>()
  const cookieHeader = () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return {
    cookies,
    cookieHeader,
    async call<Body>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const response = await fetch(new URL(path, parley.url), {
        method: method.toUpperCase(),
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(cookies.size > 0 ? { cookie: cookieHeader() } : {}),
          ...(method === 'get' ? {} : { origin: new URL(parley.url).origin }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'manual',
      })
      for (const cookie of response.headers.getSetCookie()) keep(cookies, cookie)
      const text = await response.text()
      const json = /json/.test(response.headers.get('content-type') ?? '') && text !== ''
      const parsed = (json ? JSON.parse(text) : {}) as Answer<Body>['body']
      return { status: response.status, headers: response.headers, body: parsed }
    },
  }
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(/;\s*/)
  const at = pair.indexOf('=')
  const name = pair.slice(0, at)
  if (attributes.some(attribute => /^max-age=0$/i.test(attribute))) cookies.delete(name)
  else cookies.set(name, pair.slice(at + 1))
}
