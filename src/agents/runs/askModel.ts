import { growing, pause } from '../../kernel/index.ts'
import { isServiceFailure } from '../../knowledge/index.ts'
import type { ServiceFailure } from '../../providers/failure.ts'
import type { FinishReason, ModelRequest, ToolCall, Usage } from '../../providers/model.ts'
import type { Chosen } from './models.ts'
import type { Telling } from './telling.ts'
import { usedInVain } from './usedInVain.ts'

export interface Reply {
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  readonly reason: FinishReason
  readonly declined: boolean
}

interface Asking {
  readonly chosen: Chosen
  readonly request: Omit<ModelRequest, 'model' | 'signal'>
  readonly telling: Telling
  readonly signal: AbortSignal
  /** Whether there is money for an attempt; asked before each. */
  readonly affords: () => Promise<boolean>
  /** What was used, also by attempts that came to nothing. */
  readonly pay: (usage: Usage) => Promise<void>
  /** How long a model may say nothing, in all attempts together. */
  readonly patienceMs?: number
  /** Of an attempt that failed. */
  readonly onFailure: (failure: ServiceFailure, attempt: number) => void
}

const attempts = 3
/** With a search before it and a person called after it, a visitor knows within 45 seconds. */
const usualPatienceMs = 40_000
/** A last attempt that is left less is none. */
const shortestMs = 1_000
/** Longer than this nobody is kept waiting for a service that asks for patience. */
const longestPauseMs = 5_000

/**
 * One answer of a model, shown while it comes. What may pass is tried again, from the beginning of the text. Undefined: there is no money for
 * that.
 */
export async function askModel(asking: Asking): Promise<Reply | undefined> {
  const { patienceMs = usualPatienceMs } = asking
  const until = performance.now() + patienceMs
  let silent = 0
  for (let attempt = 1; ; attempt++) {
    if (!(await asking.affords())) return undefined
    try {
      return await once(asking, Math.max(until - performance.now(), shortestMs))
    } catch (error) {
      if (!isServiceFailure(error) || !error.retryable || asking.signal.aborted) throw error
      const wait = pauseAfter(error, attempt)
      // A model that says nothing is asked once more at most.
      if (error.limit === 'first') silent++
      const tooLate = silent > 1 || performance.now() + wait + shortestMs > until
      if (attempt === attempts || wait > longestPauseMs || tooLate) throw error
      asking.onFailure(error, attempt)
      asking.telling.restart()
      await pause(wait, asking.signal)
    }
  }
}

async function once(asking: Asking, firstWithinMs: number): Promise<Reply> {
  const { signal, pay, request } = asking
  signal.throwIfAborted()
  const written = { text: '' }
  const reading = read({ ...asking, request: { ...request, firstWithinMs } }, written)
  const { usage, ...reply } = await reading.catch(async error => {
    const used = usedInVain(error, request.messages, written.text)
    if (used) await pay(used)
    throw error
  })
  await pay(usage)
  return reply
}

async function read(
  { chosen, request, telling, signal }: Asking,
  written: { text: string },
): Promise<Reply & { readonly usage: Usage }> {
  const toolCalls: ToolCall[] = []
  for await (const event of chosen.model.stream({ ...request, model: chosen.name, signal })) {
    if (event.type === 'text') {
      const text = event.text.replaceAll('\0', '')
      written.text += text
      telling.push(text)
    } else if (event.type === 'tool_call') toolCalls.push(event)
    else {
      const { reason, usage, declined = false } = event
      return { text: written.text, toolCalls, reason, usage, declined }
    }
  }
  throw new Error('the model gave no end')
}

/** Spread, so that many runs that failed together do not come back together. */
function pauseAfter({ kind, retryAfter }: ServiceFailure, attempt: number): number {
  if (kind === 'rate_limited' && retryAfter !== undefined) return retryAfter * 1_000 * (1 + Math.random() / 4)
  const base = kind === 'cut' ? 50 : kind === 'rate_limited' ? 1_000 : 250
  return growing(base, attempt - 1)
}
