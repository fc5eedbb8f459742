import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { embeddingsOf, eventsOf, rankingOf } from './scriptedAnswers.ts'
import { startTicker } from './scriptedTicker.ts'
import type { Body, Script } from './scriptedWords.ts'

export type { Body, Script } from './scriptedWords.ts'

export type Endpoint = 'chat' | 'embeddings' | 'rerank' | 'models'

export interface ScriptedRequest {
  readonly endpoint: Endpoint
  readonly path: string
  readonly body: Body
  readonly authorization: string | undefined
  readonly at: number
  endedAt?: number
  /** The other side went away before the end. */
  aborted: boolean
}

export interface ScriptedModel extends AsyncDisposable {
  /** As OPENAI_BASE_URL takes it. */
  readonly url: string
  readonly rerankUrl: string
  /** The latest 10,000. */
  readonly requests: ScriptedRequest[]
  readonly openStreams: number
  /** What happens to the next requests of an endpoint, one after the other; before anything that `always` says. */
  next(endpoint: Endpoint, ...scripts: Script[]): void
  /** What happens to all other requests of an endpoint. */
  always(endpoint: Endpoint, script: Script | ((request: ScriptedRequest) => Script)): void
  /** Forgets requests and scripts. */
  reset(): void
  stop(): Promise<void>
}

const endpoints: Readonly<Record<string, Endpoint>> = {
  '/v1/chat/completions': 'chat',
  '/v1/embeddings': 'embeddings',
  '/v1/rerank': 'rerank',
  '/v2/rerank': 'rerank',
  '/v1/models': 'models',
}

/** A server that speaks OpenAI's API, and Cohere's for ranking, as a test or a benchmark wants it to. */
export async function startScriptedModel({ port = 0 } = {}): Promise<ScriptedModel> {
  const ticker = startTicker()
  const queues = new Map<Endpoint, Script[]>()
  const rules = new Map<Endpoint, (request: ScriptedRequest) => Script>()
  const requests: ScriptedRequest[] = []

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/'
    const endpoint = endpoints[path]
    const body = await bodyOf(incoming)
    if (!endpoint) {
      sendJson(response, 404, errorBody(404, `no such path: ${path}`))
      return
    }
    const { authorization } = incoming.headers
    const request: ScriptedRequest = { endpoint, path, body, authorization, at: Date.now(), aborted: false }
    requests.push(request)
    if (requests.length > 10_000) requests.shift()
    response.on('close', () => {
      request.endedAt = Date.now()
      request.aborted = !response.writableFinished && !ticker.wasCut(response)
    })
    answer(request, queues.get(endpoint)?.shift() ?? rules.get(endpoint)?.(request) ?? {}, response)
  }

  function answer(request: ScriptedRequest, script: Script, response: ServerResponse): void {
    if (script.hang === true) return
    const { status = 200, headers = {} } = script
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (status !== 200) sendJson(response, status, script.json ?? errorBody(status, 'as scripted'))
    else if (script.json !== undefined) sendJson(response, 200, script.json)
    else if (request.endpoint === 'chat') ticker.stream(response, script, eventsOf(request.body, script))
    else
      made(request, script).then(
        body => sendJson(response, 200, body),
        (error: Error) => sendJson(response, 400, errorBody(400, error.message)),
      )
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: Error) => sendJson(response, 400, errorBody(400, error.message)))
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const stop = async () => {
    ticker.stop()
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return {
    url: `${origin}/v1`,
    rerankUrl: `${origin}/v2/rerank`,
    requests,
    get openStreams() {
      return ticker.open
    },
    next: (endpoint, ...scripts) => void queues.set(endpoint, [...(queues.get(endpoint) ?? []), ...scripts]),
    always: (endpoint, script) =>
      void rules.set(endpoint, typeof script === 'function' ? script : () => script),
    reset() {
      requests.length = 0
      queues.clear()
      rules.clear()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function made({ endpoint, body }: ScriptedRequest, script: Script): Promise<object> {
  if (endpoint === 'embeddings') return embeddingsOf(body, script)
  if (endpoint === 'rerank') return rankingOf(body)
  return { object: 'list', data: [{ id: 'scripted', object: 'model' }] }
}

async function bodyOf(incoming: IncomingMessage): Promise<Body> {
  const parts: Buffer[] = []
  for await (const part of incoming) parts.push(part)
  const text = Buffer.concat(parts).toString('utf8')
  return text === '' ? {} : (JSON.parse(text) as Body)
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'application/json')
  response.writeHead(status).end(JSON.stringify(body))
}

const errorBody = (status: number, message: string) => ({
  error: { message, type: status === 401 ? 'invalid_request_error' : 'scripted', code: null },
})
