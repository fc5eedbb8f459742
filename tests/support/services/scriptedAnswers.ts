import { estimateTokens } from '../../../src/kernel/index.ts'
import { builtInEmbedder } from '../../../src/providers/builtInEmbedder.ts'
import type { Body, Script } from './scriptedWords.ts'

/** The lines of a stream of chat completions. */
export function eventsOf(body: Body, script: Script): string[] {
  if (script.raw) return [...script.raw]
  const { text = 'This is a scripted answer.', reasoning, refusal, toolCalls = [] } = script
  const model = body.model ?? 'scripted'
  const chunk = (rest: object) =>
    `data: ${JSON.stringify({ id: 'chatcmpl-scripted', object: 'chat.completion.chunk', created: 0, model, ...rest })}\n\n`
  const delta = (content: object, finish_reason: string | null = null) =>
    chunk({ choices: [{ index: 0, delta: content, finish_reason }] })
  const pieces = typeof text === 'string' ? (text.match(/\s*\S+/gu) ?? []) : text
  const said = toolCalls.length > 0 && script.text === undefined ? [] : pieces
  const { finish = toolCalls.length > 0 ? 'tool_calls' : 'stop', usage } = script
  const input = estimateTokens(JSON.stringify(body.messages ?? []))
  const reported = usage ?? { prompt_tokens: input, completion_tokens: said.length }
  return [
    delta({ role: 'assistant', content: '' }),
    ...(reasoning ? [delta({ reasoning_content: reasoning })] : []),
    ...(refusal ? [delta({ refusal })] : said.map(content => delta({ content }))),
    ...toolCalls.flatMap((call, index) => callEvents(call, index).map(tool_calls => delta({ tool_calls }))),
    ...(finish === null ? [] : [delta({}, finish)]),
    ...(reported && body.stream_options?.include_usage ? [chunk({ choices: [], usage: reported })] : []),
    ...(script.done === undefined && finish !== null ? ['data: [DONE]\n\n'] : []),
  ]
}

/** A call in three pieces, as servers send it: who is called, then what with. */
function callEvents(call: NonNullable<Script['toolCalls']>[number], index: number): object[][] {
  const { id = `call_scripted_${index}`, name, arguments: text } = call
  const half = Math.ceil(text.length / 2)
  return [
    [{ index, id, type: 'function', function: { name, arguments: '' } }],
    [{ index, function: { arguments: text.slice(0, half) } }],
    [{ index, function: { arguments: text.slice(half) } }],
  ]
}

/** Vectors of the built-in embedder, so that what is alike is near; repeated or cut off for other dimensions. */
export async function embeddingsOf(body: Body, script: Script): Promise<object> {
  const input = typeof body.input === 'string' ? [body.input] : (body.input ?? [])
  const { vectors, tokens } = await builtInEmbedder.embed(input, { kind: 'passage' })
  const count = script.dimensions ?? body.dimensions ?? 1536
  const data = vectors.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: Array.from({ length: count }, (_, at) => vector[at % vector.length]),
  }))
  return { object: 'list', data, model: body.model, usage: { prompt_tokens: tokens, total_tokens: tokens } }
}

/** By the nearness of the same vectors. */
export async function rankingOf(body: Body): Promise<object> {
  const documents = body.documents ?? []
  const { vectors } = await builtInEmbedder.embed([body.query ?? '', ...documents], { kind: 'passage' })
  const [query, ...others] = vectors
  const results = others.map((vector, index) => {
    const cosine = vector.reduce((sum, number, at) => sum + number * (query?.[at] ?? 0), 0)
    return { index, relevance_score: Math.min(Math.max(cosine, 0), 1) }
  })
  results.sort((one, other) => other.relevance_score - one.relevance_score)
  return { id: 'scripted', results: results.slice(0, body.top_n ?? results.length) }
}
