import { request } from 'node:http'

export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body where it is JSON, undefined otherwise. */
  readonly body: unknown
}

/** A request exactly as given: no header is added and no address mended on the way, as fetch would do. */
export function send(
  parley: { readonly url: string },
  wanted: {
    readonly method?: string
    readonly path: string
    readonly headers?: Readonly<Record<string, string | string[] | undefined>>
    readonly body?: string | Buffer
  },
): Promise<RawAnswer> {
  const { hostname, port } = new URL(parley.url)
  const { method = 'GET', path, headers = {}, body } = wanted
  return new Promise((resolve, reject) => {
    const sent = request({ host: hostname, port, method, path, headers: { ...headers } }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const received = new Headers()
        for (const [name, value] of Object.entries(response.headers)) {
          for (const each of [value ?? ''].flat()) received.append(name, each)
        }
        const json = /json/.test(received.get('content-type') ?? '') && text !== ''
        resolve({
          status: response.statusCode ?? 0,
          headers: received,
          text,
          body: json ? JSON.parse(text) : undefined,
        })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
