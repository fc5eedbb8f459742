import type OpenAI from 'openai'
import { estimateTokens } from '../kernel/index.ts'
import { ServiceFailure } from './failure.ts'
import type { FinishReason, ModelEvent, Usage } from './model.ts'

type Chunk = OpenAI.ChatCompletionChunk
type CallDelta = OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall
/** Reasoning of models that show it, under the names that servers give it. */
type Delta = OpenAI.ChatCompletionChunk.Choice.Delta & { reasoning_content?: unknown; reasoning?: unknown }

interface Call {
  readonly index: number | undefined
  id: string | undefined
  name: string
  arguments: string
}

/** Our tokens are not those of the service: only what is clearly beyond its limit is. */
const withSlack = (limit: number): number => limit * 1.5 + 200

/**
 * Puts an answer together from its chunks, of servers that keep to OpenAI's form more or less. One that does not keep to the limit of output,
 * all of it together, is ended by us.
 */
export function gatherAnswer(estimateInput: () => number, limit = Number.POSITIVE_INFINITY) {
  let left = withSlack(limit)
  let uncounted = ''
  /** As much of a piece as there is room for. Counted in stretches: a piece is often shorter than a token. */
  const within = (text: unknown): string => {
    if (typeof text !== 'string') return ''
    const kept =
      left * 4 < text.length ? text.slice(0, Math.max(0, left * 4)).replace(/[\ud800-\udbff]$/, '') : text
    uncounted += kept
    if (uncounted.length >= 100 || kept.length < text.length) {
      left -= estimateTokens(uncounted)
      uncounted = ''
    }
    if (kept.length < text.length) left = 0
    return kept
  }
  const calls: Call[] = []
  let reason: FinishReason | undefined
  let usage: OpenAI.CompletionUsage | undefined
  let refusal = ''
  let written = 0
  const count = (text: unknown): string => {
    const kept = within(text)
    written += estimateTokens(kept)
    return kept
  }
  return {
    /** It has said why it ended. */
    get finished(): boolean {
      return reason !== undefined
    },
    /** It has written more than it may. */
    get full(): boolean {
      return left <= 0
    },
    /** `text` for the reader; `alive`: the model has written something, if only its reasoning. */
    take(chunk: Chunk | null): { text: string; alive: boolean } {
      usage = chunk?.usage ?? usage
      const choice = chunk?.choices?.[0]
      const delta: Delta = choice?.delta ?? {}
      const text = count(delta.content)
      const thought = count(delta.reasoning_content ?? delta.reasoning)
      refusal += count(delta.refusal)
      for (const call of delta.tool_calls ?? []) {
        addCall(calls, call)
        within(call.function?.arguments)
      }
      if (choice?.finish_reason) reason = reasonOf(choice.finish_reason)
      else if (left <= 0) reason = 'length'
      return { text, alive: Boolean(text || thought || delta.tool_calls?.length || choice?.finish_reason) }
    },
    /** What follows the last text; or the failure, where there is no proper end. */
    *end(): Generator<ModelEvent, void, undefined> {
      if (refusal) throw new ServiceFailure('refused', 'the model refuses to answer this')
      if (!reason) throw new ServiceFailure('cut', 'the answer ended without saying why')
      const whole = calls.filter(call => reason !== 'length' || isJson(call.arguments))
      for (const [place, call] of whole.entries()) {
        written += estimateTokens(call.name + call.arguments)
        const id = call.id ?? `call_${place + 1}`
        yield { type: 'tool_call', id, name: call.name, arguments: call.arguments || '{}' }
      }
      // Some servers say `stop` where they mean that they wait for tools.
      if (reason === 'stop' && whole.length > 0) reason = 'tool_calls'
      yield {
        type: 'finish',
        reason,
        usage: usage ? reported(usage) : { input: estimateInput(), output: written, estimated: true },
      }
    },
  }
}

/** The pieces of a call share its index. Where servers give every call the same one, or none, a new id begins a new call. */
function addCall(calls: Call[], { index, id, function: piece }: CallDelta): void {
  const known = calls.findLast(call => call.index === index)
  const another = known?.id !== undefined && Boolean(id) && id !== known.id
  let call = another ? undefined : known
  if (!call) {
    call = { index, id: undefined, name: '', arguments: '' }
    calls.push(call)
  }
  call.id ??= id || undefined
  // The name comes whole; some repeat it with every piece.
  if (piece?.name) call.name = piece.name
  call.arguments += piece?.arguments ?? ''
}

function reasonOf(said: string): FinishReason {
  if (said === 'length' || said === 'max_tokens') return 'length'
  if (said === 'content_filter') return 'content_filter'
  return said === 'tool_calls' || said === 'function_call' ? 'tool_calls' : 'stop'
}

function reported({
  prompt_tokens,
  completion_tokens,
  prompt_tokens_details,
}: OpenAI.CompletionUsage): Usage {
  const cached = prompt_tokens_details?.cached_tokens
  return {
    input: prompt_tokens,
    output: completion_tokens,
    ...(cached !== undefined && { cached }),
    estimated: false,
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
