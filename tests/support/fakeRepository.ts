import { createHash } from 'node:crypto'
import { serving } from './outgoing.ts'

/** A server that speaks the part of GitHub's API that repositories are read by. */
export interface FakeRepository {
  readonly url: string
  /** By their paths. */
  readonly files: Map<string, string | Uint8Array>
  readonly asked: string[]
  /** Whoever does not have it is told that nothing is there. */
  token: string | undefined
  truncated: boolean
  /** No more requests for now. */
  exhausted: boolean
}

export const shaOf = (content: string | Uint8Array) => createHash('sha1').update(content).digest('hex')

export async function startFakeRepository(
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<FakeRepository> {
  const kept = new Map(Object.entries(files))
  const asked: string[] = []
  const fake = { token: undefined as string | undefined, truncated: false, exhausted: false }
  const root = `/api/v3/repos/${name}`
  const { url } = await serving((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
      void response
        .writeHead(status, { 'content-type': 'application/json', ...headers })
        .end(JSON.stringify(body))
    if (fake.exhausted) return json(403, { message: 'slow down' }, { 'x-ratelimit-remaining': '0' })
    if (fake.token !== undefined && request.headers.authorization !== `Bearer ${fake.token}`)
      return json(404, { message: 'Not Found' })
    if (path === root) return json(200, { default_branch: 'trunk' })
    if (path === `${root}/git/trees/trunk?recursive=1`) {
      const tree = [...kept].map(([file, content]) => ({
        ...{ path: file, type: 'blob', mode: '100644', sha: shaOf(content), size: content.length },
      }))
      return json(200, { truncated: fake.truncated, tree })
    }
    const sha = path.startsWith(`${root}/git/blobs/`) ? path.slice(`${root}/git/blobs/`.length) : ''
    const content = [...kept.values()].find(one => shaOf(one) === sha)
    if (content === undefined) return json(404, { message: 'Not Found' })
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(content)
  })
  return Object.assign(fake, { url: `${url}/api/v3`, files: kept, asked })
}
