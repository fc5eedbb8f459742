import { markAnswered } from '../../chat/index.ts'
import { cutText, estimateTokens } from '../../kernel/index.ts'
import { type Rung, unlimited } from '../../usage/index.ts'
import { type Answered, answer, type HandedOver } from './answer.ts'
import type { Outset } from './beginRun.ts'
import type { Bill } from './books.ts'
import { citedIn } from './cite.ts'
import { handOver, type Stored, storeAnswer, storeStop, storeToolCall } from './conclude.ts'
import { createCalls } from './earlierCalls.ts'
import type { Live } from './live.ts'
import { chooseModel } from './models.ts'
import type { RunsParts } from './parts.ts'
import { openPurse, type Purse } from './purse.ts'
import { type Context, readContext, tokensSaid, windowTokens } from './readContext.ts'
import { dearestRewrite } from './rewrite.ts'
import { type Ending, endRun } from './runStore.ts'
import type { Summarise } from './summarise.ts'
import { throughOutage } from './throughOutage.ts'

type Outcome =
  | Answered
  | HandedOver
  | { readonly kind: 'stopped' }
  | { readonly kind: 'given_up' }
  /** Nothing is left to answer: it was taken back, or the answer that there is stays. */
  | { readonly kind: 'nothing'; readonly state: 'superseded' | 'failed'; readonly error?: string }

/**
 * A run from its lease to its end: what it says is in the log, what it cost is paid, and its row says how it ended. What is left to do then is
 * handed to `follow`, while the conversation goes on.
 */
export async function perform(
  parts: RunsParts,
  run: Live,
  { budgeted, known }: Outset,
  follow: (work: Promise<void>) => void,
): Promise<void> {
  const { db, books, usage } = parts
  const { scope, begun } = run
  const { runId } = begun
  const estimateUsd = estimate(parts, run, known)
  // At the same time: the visitor waits for both, and neither for the other.
  const [reserved, context] = await Promise.allSettled([
    budgeted ? throughOutage(() => usage.reserve(scope, { runId, estimateUsd })) : unlimited(runId),
    throughOutage(() => readContext(db, scope, begun, known)),
  ])
  if (reserved.status === 'rejected') throw reserved.reason
  const { rung, reservation } = reserved.value
  const bill = books.open(runId)
  const purse = openPurse({ usage, scope, runId, bill }, reserved.value, estimateUsd)
  const rest: Rest = { owed: [], after: [] }
  try {
    const outcome =
      context.status === 'fulfilled'
        ? await finish(parts, run, { rung, context: context.value, purse, rest })
        : broken(parts, run, { rung, error: context.reason })
    const ending = await conclude(parts, run, outcome, bill)
    run.telling.end(endOf(ending))
    await allOf(rest.owed)
    const last = {
      ...speakerOf(parts, run, rung, bill),
      ...ending,
      ...bill,
      firstTokenMs: run.telling.firstMs ?? null,
    }
    await throughOutage(() => db.scoped(scope, tx => endRun(tx, scope, runId, last)))
    parts.metrics.runs.inc({ outcome: ending.state })
  } finally {
    follow(allOf(rest.after))
    // Also of a run whose end could not be stored.
    await allOf(rest.owed)
    await books.close(runId, ({ costUsd }) => throughOutage(() => usage.settle(scope, reservation, costUsd)))
  }
}

const allOf = async (works: Rest['after']): Promise<void> =>
  void (await Promise.allSettled(works.map(work => work())))

/** Who was asked, where the answer does not say it because there is none. */
function speakerOf({ models }: RunsParts, { begun }: Live, rung: Rung, { inputTokens }: Bill) {
  if (rung === 'people' || inputTokens === 0) return {}
  const { model, name } = chooseModel(models, begun.definition, rung)
  return { provider: model.provider, model: name }
}

/** After a run, while the conversation goes on already: nobody waits for it. */
export async function shorten(
  { summarise, log }: Pick<RunsParts, 'log'> & { readonly summarise: Summarise },
  { scope, begun, reason, frugal, long }: Live,
  stop: AbortSignal,
): Promise<void> {
  if (reason !== undefined || frugal || !long) return
  const { conversationId, agentId, runId, due } = begun
  const signal = AbortSignal.any([stop, AbortSignal.timeout(60_000)])
  const about = { conversationId, agentId, runId, upTo: due.askedSeq, signal }
  await summarise(scope, about).catch(error =>
    log.warn({ err: error, conversationId }, 'a conversation could not be summarised'),
  )
}

/** What the run comes to. Whatever fails in it is people's to answer, never nobody's. */
async function finish(parts: RunsParts, run: Live, { rung, context, purse, rest }: Means): Promise<Outcome> {
  const { scope, begun, telling, signal } = run
  if (context.question.trim() === '') return { kind: 'nothing', state: 'superseded' }
  run.frugal = rung === 'built_in' || begun.definition.provider === 'builtin'
  run.long = context.long
  const into = { log: parts.conversations, standing: () => run.standing }
  let calls = 0
  try {
    return await answer(parts, {
      ...{ scope, begun, context, rung, purse, telling, signal },
      saw: passages => {
        run.passages = passages
      },
      calls: createCalls(parts.db, scope, begun, context.questionSeq),
      keepToolCall: async (call, result) => {
        const stored = await storeToolCall(into, scope, begun, { call, result, number: ++calls })
        // Others answer by now: nothing more is done in their name.
        if (!stored) run.end('fenced')
        signal.throwIfAborted()
      },
      owes: paid => void rest.owed.push(paid),
      afterwards: work => void rest.after.push(work),
    })
  } catch (error) {
    return broken(parts, run, { rung, error })
  }
}

interface Means {
  readonly rung: Rung
  readonly context: Context
  readonly purse: Purse
  readonly rest: Rest
}

/** What an answer leaves to be done. */
interface Rest {
  /** What its bill waits for. */
  readonly owed: (() => Promise<void>)[]
  readonly after: (() => Promise<void>)[]
}

function broken(
  { log, models }: RunsParts,
  run: Live,
  { rung, error }: { readonly rung: Rung; readonly error: unknown },
): Outcome {
  const { reason, telling, begun } = run
  const text = telling.text
  if (reason === 'fenced' || reason === 'lost' || reason === 'taken_back') return { kind: 'given_up' }
  // What stands there already is what the visitor has read: it stays. Whoever wanted another answer has a whole one, and keeps that.
  if (
    begun.regenerates === undefined &&
    (reason === 'stopped' || reason === 'late') &&
    text.trim() !== '' &&
    rung !== 'people'
  ) {
    const chosen = chooseModel(models, begun.definition, rung)
    const cited = citedIn(text, run.passages)
    return { kind: 'answered', text, cited, chosen, finishReason: reason, declined: false }
  }
  if (reason === 'stopped') return { kind: 'stopped' }
  log.warn({ err: error, runId: begun.runId, reason }, 'a run failed and calls people')
  const detail = error instanceof Error ? cutText(error.message, 300) : ''
  if (begun.regenerates !== undefined) return { kind: 'nothing', state: 'failed', error: detail }
  return { kind: 'hand_over', reason: 'model_failed', detail, priority: 0 }
}

/** Writes it into the log. */
async function conclude(parts: RunsParts, run: Live, outcome: Outcome, bill: Bill): Promise<Ending> {
  const { scope, begun, telling } = run
  const into = { log: parts.conversations, standing: () => run.standing }
  if (outcome.kind === 'nothing') {
    const { conversationId, epoch, due } = begun
    const answered = { conversationId, epoch, upTo: due.askedSeq }
    await throughOutage(() => parts.db.scoped(scope, tx => markAnswered(tx, scope, answered)))
    return { state: outcome.state, ...(outcome.error === undefined ? {} : { error: outcome.error }) }
  }
  if (outcome.kind === 'given_up') return { state: run.reason === 'lost' ? 'lost' : 'superseded' }
  if (outcome.kind === 'answered') {
    // Everybody has read the whole of it before it stands in the log.
    telling.flush()
    const { chosen, finishReason } = outcome
    const stored = await storeAnswer(into, scope, begun, outcome, bill)
    const by = { provider: chosen.model.provider, model: chosen.name, finishReason }
    const state = finishReason === 'stopped' ? 'stopped' : 'done'
    return { ...ended(stored, state), ...by, messageId: stored?.id ?? null }
  }
  if (outcome.kind === 'stopped') return ended(await storeStop(into, scope, begun), 'stopped')
  return {
    ...ended(
      await handOver(into, scope, begun, outcome),
      outcome.reason === 'model_failed' ? 'failed' : 'handed_over',
    ),
    ...(outcome.reason === 'model_failed' ? { error: outcome.detail } : {}),
  }
}

const ended = (stored: Stored, state: Ending['state']): Ending => ({ state: stored ? state : 'superseded' })

const endOf = ({ state }: Ending) =>
  state === 'done' || state === 'stopped' || state === 'failed'
    ? state
    : state === 'handed_over'
      ? 'done'
      : 'superseded'

/** What it costs at most, mostly: what was said, or a full window, and all it may write, after a question worded anew. */
function estimate({ models, usage }: RunsParts, { begun }: Live, known: Outset['known']): number {
  const { service } = models
  const { provider, model, instructions, limits, parameters } = begun.definition
  if (!service || provider === 'builtin') return 0
  const outputTokens = parameters.maxTokens ?? limits.outputTokens ?? 1_000
  const { costUsd } = usage.cost({
    ...{ service: 'model', provider: service.model.provider, model: model ?? service.name },
    inputTokens: Math.max(windowTokens, tokensSaid(begun, known)) + estimateTokens(instructions) + 4_000,
    outputTokens,
  })
  return costUsd + usage.cost(dearestRewrite(service)).costUsd
}
