import OpenAI from 'openai'
import { estimateTokens } from '../kernel/index.ts'
import { Deadlines, type TimeLimits } from './deadlines.ts'
import { EventStream, type ServerEvent } from './eventStream.ts'
import { ServiceFailure } from './failure.ts'
import type { Model, ModelEvent, ModelMessage, ModelRequest } from './model.ts'
import { gatherAnswer } from './openaiAnswer.ts'
import { createOpenaiClient, failureOfOpenai, isOpenaiItself, type OpenaiSettings } from './openaiClient.ts'

export interface OpenaiModelSettings extends OpenaiSettings {
  readonly limits?: TimeLimits
}

const usualLimits: TimeLimits = { firstMs: 30_000, idleMs: 20_000, totalMs: 180_000 }

const sooner = (limits: TimeLimits, { firstWithinMs = limits.firstMs }: ModelRequest): TimeLimits => ({
  ...limits,
  firstMs: Math.min(limits.firstMs, firstWithinMs),
})

type Params = OpenAI.ChatCompletionCreateParamsStreaming

/** Any server that speaks OpenAI's chat completions. Passages are not sent: the messages have them. */
export function createOpenaiModel(settings: OpenaiModelSettings): Model {
  const client = createOpenaiClient(settings)
  const limits = settings.limits ?? usualLimits
  const official = isOpenaiItself(settings)
  return {
    provider: 'openai',
    stream: request => ({
      [Symbol.asyncIterator]: () =>
        answer(client, paramsOf(request, official), sooner(limits, request), request.signal),
    }),
  }
}

async function* answer(
  client: OpenAI,
  params: Params,
  limits: TimeLimits,
  asked: AbortSignal | undefined,
): AsyncGenerator<ModelEvent, void, undefined> {
  const deadlines = new Deadlines(limits, asked)
  const gathered = gatherAnswer(
    () => estimateTokens(JSON.stringify([params.messages, params.tools])),
    params.max_completion_tokens ?? params.max_tokens ?? undefined,
  )
  let atItsEnd = false
  let accepted = false
  try {
    const answered = await deadlines.next(() => open(client, params, deadlines.signal))
    accepted = true
    const events = eventsOf(answered)
    for (;;) {
      const said = await deadlines.next(() => events.next())
      if (!said) break
      const { text, alive, done, fault } = takeAll(said, answered, gathered)
      if (alive) deadlines.begin()
      if (gathered.finished) deadlines.settle()
      if (text) yield { type: 'text', text }
      if (fault !== undefined) throw fault
      // It is left as it is: what it still says, nobody wants, and all of it costs.
      if (gathered.full) break
      if (!done) continue
      void events.leave()
      break
    }
    atItsEnd = !gathered.full
  } catch (error) {
    const failure = failureOfOpenai(error, accepted)
    // Once it has said why it ended, nothing that matters can be missing; a report of usage at most.
    if (failure.kind === 'aborted' || !gathered.finished) throw failure
  } finally {
    deadlines.close(atItsEnd)
  }
  yield* gathered.end()
}

/** Without the library's own reading of the stream, which took a quarter of the time of the program where many answered at once. */
async function open(client: OpenAI, params: Params, signal: AbortSignal): Promise<Response> {
  const response = await client.chat.completions.create(params, { signal }).asResponse()
  if (!response.headers.get('content-type')?.includes('text/html')) return response
  await response.body?.cancel()
  throw new ServiceFailure(
    'misconfigured',
    'the address answers with a web page, so it is not that of a model',
  )
}

function eventsOf({ body }: Response): EventStream {
  if (body) return new EventStream(body)
  throw new ServiceFailure('cut', 'the answer has no body')
}

interface Taken {
  /** What the reader is given of it. */
  readonly text: string
  readonly alive: boolean
  /** Nothing that matters follows. */
  readonly done: boolean
  /** What is wrong behind that text. */
  readonly fault?: unknown
}

function takeAll(
  events: readonly ServerEvent[],
  { headers }: Response,
  gathered: ReturnType<typeof gatherAnswer>,
): Taken {
  let text = ''
  let alive = false
  try {
    for (const { name, data } of events) {
      if (data === '[DONE]') return { text, alive, done: true }
      const said = JSON.parse(data)
      // Where a server fails after it has begun, it says so in the stream.
      const error = name === 'error' ? (said?.error ?? said) : said?.error
      if (error) throw new OpenAI.APIError(undefined, error, undefined, headers)
      const taken = gathered.take(said)
      text += taken.text
      alive ||= taken.alive
      if (gathered.full) return { text, alive, done: true }
    }
  } catch (fault) {
    return { text, alive, done: false, fault }
  }
  return { text, alive, done: false }
}

/** OpenAI itself has renamed the limit of output, and its newer models refuse the old name; other servers know the old one alone. */
function paramsOf({ model, messages, tools = [], parameters = {} }: ModelRequest, official: boolean): Params {
  const { temperature, topP, maxOutputTokens, stop, toolChoice } = parameters
  return {
    model,
    messages: messages.map(messageOf),
    stream: true,
    stream_options: { include_usage: true },
    ...(tools.length > 0 && {
      tools: tools.map(tool => ({ type: 'function' as const, function: { ...tool } })),
    }),
    ...(tools.length > 0 && toolChoice && { tool_choice: toolChoice }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(maxOutputTokens !== undefined &&
      (official ? { max_completion_tokens: maxOutputTokens } : { max_tokens: maxOutputTokens })),
    ...(stop?.length && { stop: [...stop] }),
  }
}

function messageOf(message: ModelMessage): OpenAI.ChatCompletionMessageParam {
  switch (message.role) {
    case 'tool':
      return { role: 'tool', tool_call_id: message.callId, content: message.text }
    case 'assistant': {
      const calls = message.toolCalls ?? []
      if (calls.length === 0) return { role: 'assistant', content: message.text }
      return {
        role: 'assistant',
        content: message.text || null,
        tool_calls: calls.map(({ id, ...call }) => ({ id, type: 'function', function: call })),
      }
    }
    case 'system':
    case 'user':
      return { role: message.role, content: message.text }
  }
}
