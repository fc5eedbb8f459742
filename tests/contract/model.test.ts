import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { builtInModel } from '../../src/providers/builtInModel.ts'
import type { ModelEvent } from '../../src/providers/model.ts'
import { eventually } from '../support/eventually.ts'
import { asking, eventsOf, failing, finishOf, openaiAt, question, textOf } from '../support/models.ts'
import { type ScriptedModel, startScriptedModel } from '../support/services/scriptedModel.ts'

let server: ScriptedModel
beforeAll(async () => {
  server = await startScriptedModel()
})
afterAll(() => server.stop())
afterEach(() => server.reset())

const openai = (rest: Parameters<typeof openaiAt>[1] = {}) => openaiAt(server, rest)

describe.each([
  ['built in', () => builtInModel],
  ['OpenAI-compatible', () => openai()],
])('a model: %s', (_name, make) => {
  test('gives texts, none of them empty, then exactly one finish with usage', async () => {
    const events = await eventsOf(make())
    expect(events.length).toBeGreaterThan(1)
    expect(events.slice(0, -1).every(event => event.type === 'text' && event.text.length > 0)).toBe(true)
    const { reason, usage } = finishOf(events)
    expect(reason).toBe('stop')
    expect(usage.input).toBeGreaterThan(0)
    expect(usage.output).toBeGreaterThan(0)
  })

  test('each iteration is a request of its own', async () => {
    const stream = make().stream(asking())
    for (let round = 0; round < 2; round += 1) {
      const events: ModelEvent[] = []
      for await (const event of stream) events.push(event)
      expect(textOf(events)).not.toBe('')
      expect(finishOf(events).reason).toBe('stop')
    }
  })

  test('a signal that is aborted beforehand gives nothing and asks nobody', async () => {
    const { failure, text } = await failing(make(), asking({ signal: AbortSignal.abort() }))
    expect({ kind: failure.kind, retryable: failure.retryable, text }).toEqual({
      kind: 'aborted',
      retryable: false,
      text: '',
    })
    expect(server.requests).toEqual([])
  })

  test('after an abort nothing is given out any more', async () => {
    server.always('chat', { text: 'one two three four five six seven', rate: 20 })
    const controller = new AbortController()
    const got: ModelEvent[] = []
    const reading = (async () => {
      for await (const event of make().stream(asking({ signal: controller.signal }))) {
        got.push(event)
        controller.abort()
      }
    })()
    await expect(reading).rejects.toMatchObject({ name: 'ServiceFailure', kind: 'aborted' })
    expect(got).toHaveLength(1)
  })

  test('whoever stops reading ends it without a failure', async () => {
    server.always('chat', { text: 'one two three four five six seven', rate: 20 })
    for await (const event of make().stream(asking())) {
      expect(event.type).toBe('text')
      break
    }
    await eventually('no stream is open', () => server.openStreams === 0)
  })
})

describe('a model: OpenAI-compatible, what is sent', () => {
  test('messages, tools and parameters in the form of the API, and nothing that was not given', async () => {
    await eventsOf(
      openai(),
      asking({
        messages: [
          { role: 'system', text: 'Be brief.' },
          { role: 'user', text: 'Weather?' },
          { role: 'assistant', text: '', toolCalls: [{ id: 'c1', name: 'weather', arguments: '{}' }] },
          { role: 'tool', callId: 'c1', text: 'rain' },
        ],
        tools: [{ name: 'weather', description: 'Tells it.', parameters: { type: 'object' } }],
        parameters: { temperature: 0, topP: 0.5, maxOutputTokens: 9, stop: ['END'], toolChoice: 'auto' },
      }),
    )
    await eventsOf(openai())
    const [full, bare] = server.requests
    expect(full?.authorization).toBe('Bearer sk-test')
    expect(full?.body).toEqual({
      model: 'scripted',
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'rain' },
      ],
      tools: [
        {
          type: 'function',
          function: { name: 'weather', description: 'Tells it.', parameters: { type: 'object' } },
        },
      ],
      tool_choice: 'auto',
      temperature: 0,
      top_p: 0.5,
      max_tokens: 9,
      stop: ['END'],
    })
    expect(bare?.body).toEqual({
      model: 'scripted',
      messages: [{ role: 'user', content: question }],
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  test('an address with slashes at its end is the same address, and a server may ask for no key', async () => {
    await eventsOf(openai({ baseUrl: `${server.url}//`, apiKey: undefined }))
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/chat/completions'])
  })
})

describe('a model: OpenAI-compatible, what comes', () => {
  test('usage as reported, with what was cached', async () => {
    const usage = { prompt_tokens: 70, completion_tokens: 8, prompt_tokens_details: { cached_tokens: 64 } }
    server.next('chat', { usage })
    expect(finishOf(await eventsOf(openai())).usage).toEqual({
      input: 70,
      output: 8,
      cached: 64,
      estimated: false,
    })
  })

  test('usage that is not reported is estimated', async () => {
    server.next('chat', { text: 'Thirty days after delivery.', usage: false })
    const { usage } = finishOf(await eventsOf(openai()))
    expect(usage.estimated).toBe(true)
    expect(usage.output).toBeGreaterThanOrEqual(4)
    expect(usage.output).toBeLessThan(15)
    expect(usage.input).toBeGreaterThan(5)
  })

  test('tool calls whole, several of them, after the text', async () => {
    const toolCalls = [
      { id: 'a', name: 'orders', arguments: '{"number":"17"}' },
      { id: 'b', name: 'weather', arguments: '' },
    ]
    server.next('chat', { text: 'Let me look.', toolCalls })
    const events = await eventsOf(openai())
    expect(textOf(events)).toBe('Let me look.')
    expect(events.filter(({ type }) => type === 'tool_call')).toEqual([
      { type: 'tool_call', ...toolCalls[0] },
      { type: 'tool_call', id: 'b', name: 'weather', arguments: '{}' },
    ])
    expect(finishOf(events).reason).toBe('tool_calls')
  })

  test('tool calls of servers that keep to the form only roughly', async () => {
    const delta = (content: object, finish: string | null = null) =>
      `data: ${JSON.stringify({ choices: [{ index: 0, delta: content, finish_reason: finish }] })}\n\n`
    const call = (rest: object) => ({ type: 'function', ...rest })
    server.next('chat', {
      raw: [
        // Each call whole, all with one index; no id; `stop` at the end.
        delta({ tool_calls: [call({ index: 0, id: 'x', function: { name: 'one', arguments: '{"a":1}' } })] }),
        delta({ tool_calls: [call({ index: 0, id: 'y', function: { name: 'two', arguments: '{"b":2}' } })] }),
        delta({ tool_calls: [call({ index: 5, function: { name: 'three', arguments: '{}' } })] }),
        delta({}, 'stop'),
      ],
    })
    const events = await eventsOf(openai())
    expect(events.slice(0, -1)).toEqual([
      { type: 'tool_call', id: 'x', name: 'one', arguments: '{"a":1}' },
      { type: 'tool_call', id: 'y', name: 'two', arguments: '{"b":2}' },
      { type: 'tool_call', id: 'call_3', name: 'three', arguments: '{}' },
    ])
    expect(finishOf(events).reason).toBe('tool_calls')
  })

  test('a call that the limit of output cut off is left out', async () => {
    server.next('chat', {
      toolCalls: [
        { name: 'whole', arguments: '{"a":1}' },
        { name: 'half', arguments: '{"b":"tw' },
      ],
      finish: 'length',
    })
    const events = await eventsOf(openai())
    expect(events.flatMap(event => (event.type === 'tool_call' ? [event.name] : []))).toEqual(['whole'])
    expect(finishOf(events).reason).toBe('length')
  })

  test('a server that does not keep to the limit of output is left soon after it', async () => {
    const words = Array.from({ length: 40_000 }, (_, at) => ` word${at % 10}`)
    const floods = {
      pieces: { text: words, rate: 20_000 },
      'one piece': { text: [words.join('')] },
      reasoning: { reasoning: words.join(''), text: 'So.' },
      'a call': { toolCalls: [{ name: 'one', arguments: `{"a":"${words.join('')}"}` }] },
    }
    for (const [what, script] of Object.entries(floods)) {
      server.next('chat', script)
      const events = await eventsOf(openai(), asking({ parameters: { maxOutputTokens: 100 } }))
      expect(finishOf(events), what).toMatchObject({ reason: 'length' })
      expect(textOf(events).length, what).toBeLessThan(3_000)
      expect(
        events.filter(({ type }) => type === 'tool_call'),
        what,
      ).toEqual([])
    }
    const [first] = server.requests
    await eventually('it is left', () => first?.aborted === true)
  })

  test('an answer in long words that keeps to its limit is whole', async () => {
    const words = Array.from({ length: 1_000 }, () => ' wording')
    server.next('chat', { text: words.slice(0, 700) })
    const events = await eventsOf(openai(), asking({ parameters: { maxOutputTokens: 1_000 } }))
    expect(textOf(events)).toBe(words.slice(0, 700).join(''))
    expect(finishOf(events).reason).toBe('stop')
  })

  test.each(['stop', 'length', 'content_filter'])('the reason %s', async finish => {
    server.next('chat', { finish })
    expect(finishOf(await eventsOf(openai())).reason).toBe(finish)
  })

  test('reasoning is no answer, but a sign of life', async () => {
    server.next('chat', { reasoning: 'The user wants to know …', text: 'Thirty days.' })
    expect(textOf(await eventsOf(openai()))).toBe('Thirty days.')
  })

  test('comments, odd chunks and a missing [DONE] are no fault', async () => {
    const chunk = (rest: object) => `data: ${JSON.stringify(rest)}\n\n`
    server.next('chat', {
      raw: [
        ': keep-alive\n\n',
        chunk({ choices: [] }),
        chunk({ object: 'ping' }),
        'data: null\n\n',
        chunk({ choices: [{ delta: { content: 'Thirty' }, finish_reason: null }] }),
        ': keep-alive\n\n',
        chunk({ choices: [{ delta: { content: ' days.' }, finish_reason: 'eos' }] }),
      ],
    })
    const events = await eventsOf(openai())
    expect(textOf(events)).toBe('Thirty days.')
    expect(finishOf(events).reason).toBe('stop')
  })

  test('a stream that stays open after its end is not waited for', async () => {
    server.next('chat', { text: 'Thirty days.', done: 'open', usage: false })
    const events = await eventsOf(openai())
    expect(finishOf(events).usage.estimated).toBe(true)
    await eventually('the stream is closed', () => server.openStreams === 0)
  })

  test('text is given out as it arrives', async () => {
    server.next('chat', { text: 'one two three', rate: 5, hang: 3 })
    const stream = openai().stream(asking())[Symbol.asyncIterator]()
    expect(await stream.next()).toEqual({ done: false, value: { type: 'text', text: 'one' } })
    expect(await stream.next()).toEqual({ done: false, value: { type: 'text', text: ' two' } })
    await stream.return?.()
    await eventually('the stream is closed', () => server.openStreams === 0)
  })

  test('what arrives together is given out together, also before a failure that came with it', async () => {
    const said = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`
    const error = { message: 'overloaded', type: 'server_error' }
    server.next('chat', { raw: [said('one'), said(' two'), `data: ${JSON.stringify({ error })}\n\n`] })
    const stream = openai().stream(asking())[Symbol.asyncIterator]()
    expect(await stream.next()).toEqual({ done: false, value: { type: 'text', text: 'one two' } })
    await expect(stream.next()).rejects.toMatchObject({ name: 'ServiceFailure', kind: 'cut' })
  })

  test('an answer whose end comes a little after its last word leaves its connection to the next', async () => {
    let connections = 0
    const said = JSON.stringify({ choices: [{ delta: { content: 'one' }, finish_reason: 'stop' }] })
    const slow = createServer((request, response) => {
      request.resume()
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${said}\n\ndata: [DONE]\n\n`)
      setTimeout(() => response.end(), 20)
    }).on('connection', () => connections++)
    await once(slow.listen(0, '127.0.0.1'), 'listening')
    const model = openaiAt({ url: `http://127.0.0.1:${(slow.address() as AddressInfo).port}/v1` })
    for (let asked = 0; asked < 3; asked++) {
      expect(textOf(await eventsOf(model))).toBe('one')
      await sleep(100)
    }
    expect(connections).toBe(1)
    slow.closeAllConnections()
    slow.close()
  })

  test('a hundred streams at once do not mix', async () => {
    server.always('chat', ({ body }) => ({ text: `You said ${body.messages?.[0]?.content}.`, rate: 100 }))
    const model = openai()
    const texts = await Promise.all(
      Array.from({ length: 100 }, async (_, n) =>
        textOf(await eventsOf(model, asking({ messages: [{ role: 'user', text: `number ${n}` }] }))),
      ),
    )
    expect(texts).toEqual(texts.map((_, n) => `You said number ${n}.`))
  })
})
