import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FakeGithub {
  /** Who is signed in at the provider. */
  profile: { id: number; login: string; name: string; email: string; verified: boolean }
  readonly accessToken: string
  close(): Promise<void>
}

/**
 * A server that speaks GitHub's side of OAuth. The provider's addresses are fixed in the library, so for the time of the test
 * requests to them are led here; everything else about them is real.
 */
export async function startFakeGithub(): Promise<FakeGithub> {
  const fake = {
    profile: { id: 1, login: 'octo', name: 'Octo', email: 'octo@people.example', verified: true },
    accessToken: 'gho_an-access-token-that-must-not-be-stored-plainly',
  }
  const server = createServer((request, response) => {
    const { verified, ...profile } = fake.profile
    const answers: Record<string, unknown> = {
      '/login/oauth/access_token': { access_token: fake.accessToken, token_type: 'bearer', scope: 'user' },
      '/user': profile,
      '/user/emails': [{ email: profile.email, primary: true, verified }],
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answers[request.url ?? ''] ?? { error: 'unknown' }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const realFetch = globalThis.fetch
  globalThis.fetch = (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input)
    if (!/(^|\.)github\.com$/.test(url.hostname)) return realFetch(input, init)
    return realFetch(`http://127.0.0.1:${port}${url.pathname}`, init)
  }
  return Object.assign(fake, {
    close: async () => {
      globalThis.fetch = realFetch
      await new Promise(resolve => server.close(resolve))
    },
  })
}
