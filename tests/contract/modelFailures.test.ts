import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { asking, failing, limits, openaiAt } from '../support/models.ts'
import { type ScriptedModel, startScriptedModel } from '../support/services/scriptedModel.ts'

let server: ScriptedModel
beforeAll(async () => {
  server = await startScriptedModel()
})
afterAll(() => server.stop())
afterEach(() => server.reset())

const openai = (rest: Parameters<typeof openaiAt>[1] = {}) => openaiAt(server, rest)

describe('a model: OpenAI-compatible, what goes wrong', () => {
  const tooLong = { error: { message: 'x', code: 'context_length_exceeded', type: 'invalid_request_error' } }
  const filtered = { error: { message: 'x', code: 'content_filter', type: 'invalid_request_error' } }
  test.each([
    ['429 with Retry-After', { status: 429, headers: { 'retry-after': '7' } }, 'rate_limited', true, 7],
    ['429 without', { status: 429 }, 'rate_limited', true, undefined],
    [
      'an empty account',
      { status: 429, json: { error: { code: 'insufficient_quota' } } },
      'misconfigured',
      false,
      undefined,
    ],
    ['401', { status: 401 }, 'misconfigured', false, undefined],
    ['404', { status: 404 }, 'misconfigured', false, undefined],
    ['a parameter it does not know', { status: 400 }, 'misconfigured', false, undefined],
    ['too much text', { status: 400, json: tooLong }, 'too_long', false, undefined],
    ['a filter', { status: 400, json: filtered }, 'refused', false, undefined],
    ['a refusal', { refusal: 'I cannot help with that.' }, 'refused', false, undefined],
    ['500', { status: 500 }, 'unavailable', true, undefined],
    ['503 with Retry-After', { status: 503, headers: { 'retry-after': '3' } }, 'unavailable', true, 3],
    ['a web page', { headers: { 'content-type': 'text/html' } }, 'misconfigured', false, undefined],
    ['no end', { finish: null }, 'cut', true, undefined],
    ['nothing at all', { raw: [] }, 'cut', true, undefined],
    ['broken JSON', { raw: ['data: {"choices": [\n\n'] }, 'cut', true, undefined],
    ['an error in the stream', { raw: ['data: {"error":{"message":"x"}}\n\n'] }, 'cut', true, undefined],
    [
      'a limit told in the stream',
      { raw: ['data: {"error":{"code":"rate_limit_exceeded"}}\n\n'] },
      'rate_limited',
      true,
      undefined,
    ],
  ] as const)('%s', async (_what, script, kind, retryable, retryAfter) => {
    const page = 'headers' in script && 'content-type' in script.headers
    server.next('chat', page ? { ...script, json: '<html>' } : script)
    const { failure } = await failing(openai())
    expect({ kind: failure.kind, retryable: failure.retryable, retryAfter: failure.retryAfter }).toEqual({
      kind,
      retryable,
      retryAfter,
    })
    expect(server.requests).toHaveLength(1)
  })

  test('a connection that breaks in the middle is cut, after the text that had arrived', async () => {
    server.next('chat', { text: 'one two three', cutAfter: 3 })
    const { failure, text } = await failing(openai())
    expect({ kind: failure.kind, text }).toEqual({ kind: 'cut', text: 'one two' })
  })

  test('a server that is not there is unavailable', async () => {
    const gone = await startScriptedModel()
    await gone.stop()
    const { failure } = await failing(openai({ baseUrl: gone.url }))
    expect(failure).toMatchObject({ kind: 'unavailable', retryable: true })
    expect(failure.message).toContain('ECONNREFUSED')
  })

  test.each([
    ['first', { hang: true }, { ...limits, firstMs: 100 }],
    ['first', { hang: 0 }, { ...limits, firstMs: 100 }],
    ['first', { raw: [': keep-alive\n\n'], hang: 1 }, { ...limits, firstMs: 100 }],
    ['idle', { text: 'one two three', hang: 3 }, { ...limits, idleMs: 100 }],
    ['total', { text: 'word '.repeat(1_000), rate: 50 }, { ...limits, totalMs: 600 }],
  ] as const)('a time-out says which limit it was: %s', async (limit, script, narrow) => {
    server.next('chat', script)
    const { failure } = await failing(openai({ limits: narrow }))
    expect(failure).toMatchObject({ kind: 'timeout', limit, retryable: true })
    await eventually('the request is closed', () => server.requests[0]?.aborted === true)
  })

  test('a slow reader is not a slow server', async () => {
    server.next('chat', { text: 'one two three four five six' })
    let text = ''
    for await (const event of openai({ limits: { ...limits, idleMs: 150 } }).stream(asking())) {
      if (event.type === 'text') text += event.text
      await new Promise(resolve => setTimeout(resolve, 200))
    }
    expect(text).toBe('one two three four five six')
  })

  test.each([
    ['before the server answers', { hang: true }],
    ['before the first word', { hang: 0 }],
    ['in the middle', { text: 'one two three', hang: 3 }],
  ] as const)('an abort %s closes the request', async (_when, script) => {
    server.next('chat', script)
    const controller = new AbortController()
    const failed = failing(openai(), asking({ signal: controller.signal }))
    await eventually('the request is there', () => server.requests.length === 1)
    controller.abort()
    expect((await failed).failure.kind).toBe('aborted')
    await eventually('the server sees it', () => server.requests[0]?.aborted === true)
    expect(server.openStreams).toBe(0)
  })

  test('S5: a failure repeats neither the key nor what the server wrote', async () => {
    const message = 'Incorrect API key provided: sk-test. You said: my name is Ada.'
    server.next('chat', { status: 401, json: { error: { message, code: 'invalid_api_key', type: message } } })
    const { failure } = await failing(openai())
    expect(failure.message).toContain('401, invalid_api_key')
    const shown = `${failure.message} ${failure.stack} ${JSON.stringify(failure)} ${String(failure.cause)}`
    expect(shown).not.toMatch(/sk-test|Ada/)
  })
})
