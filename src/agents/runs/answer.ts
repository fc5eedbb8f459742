import { cutText, isSmallTalk, type Log, type Scope } from '../../kernel/index.ts'
import type { Finder } from '../../knowledge/index.ts'
import type { ModelMessage, ModelTool, Passage, Usage } from '../../providers/model.ts'
import type { Rung } from '../../usage/index.ts'
import type { CallContext, Tool, ToolContext, ToolEffect, ToolResult } from '../tools/tool.ts'
import type { OpenTools, Toolbox } from '../tools/toolbox.ts'
import { askModel, type Reply } from './askModel.ts'
import { asksForPerson } from './asksForPerson.ts'
import { asksNothing } from './asksNothing.ts'
import type { Begun } from './beginRun.ts'
import type { Books } from './books.ts'
import { citedIn } from './cite.ts'
import type { Calls } from './earlierCalls.ts'
import { builtInName, type Chosen, chooseModel, type Models } from './models.ts'
import { buildPrompt } from './prompt.ts'
import { hasMoney, type Purse } from './purse.ts'
import type { Context } from './readContext.ts'
import type { Telling } from './telling.ts'

export interface AnswerParts {
  readonly finder: Finder
  readonly toolbox: Toolbox
  readonly models: Models
  readonly books: Books
  readonly log: Log
}

/** One run at work. */
export interface Work {
  readonly scope: Scope
  readonly begun: Begun
  readonly context: Context
  readonly rung: Rung
  readonly telling: Telling
  /** Told of all passages that the answer may cite. */
  readonly saw: (passages: readonly Passage[]) => void
  readonly signal: AbortSignal
  /** The tool calls of this and of earlier attempts at the question. */
  readonly calls: Calls
  /** Keeps what a tool was asked and what it said, for members to see. */
  readonly keepToolCall: (
    call: { id: string; name: string; arguments: string },
    result: string,
  ) => Promise<void>
  /** Sets money aside for what a model is to be asked, and says where that leaves the run. */
  readonly purse: Purse
  /** What its bill has to wait for. */
  readonly owes: (paid: () => Promise<void>) => void
  /** Done when the run is over, however it ends: nobody has to wait for it. */
  readonly afterwards: (work: () => Promise<void>) => void
}

export interface Answered {
  readonly kind: 'answered'
  readonly text: string
  readonly cited: readonly Passage[]
  readonly chosen: Chosen
  readonly finishReason: string
  /** It does not know, and has said so. */
  readonly declined: boolean
}

export interface HandedOver {
  readonly kind: 'hand_over'
  readonly reason:
    | 'asked_for_person'
    | 'no_answer'
    | 'budget_exhausted'
    | 'turn_limit'
    | 'model_failed'
    | 'no_agent'
  readonly detail: string
  readonly priority: number
}

const usualTurns = 50
const usualRounds = 5
/** Of one reply; a model that wants more is told so. */
const mostCalls = 8
const usualOutputTokens = 1_000

/** Looks, asks the model, lets it use its tools, and comes to an answer or to the wish for a person. Writes nothing. */
export async function answer(parts: AnswerParts, work: Work): Promise<Answered | HandedOver> {
  const { begun, context, rung } = work
  const { escalationRules: rules } = begun.definition
  const priority = rules.priority ?? 0
  if (asksForPerson(context.question, rules.phrases))
    return { kind: 'hand_over', reason: 'asked_for_person', detail: cutText(context.question, 500), priority }
  if (context.answers >= (rules.maxTurns ?? usualTurns))
    return { kind: 'hand_over', reason: 'turn_limit', detail: `${context.answers} answers`, priority }
  if (rung === 'people') return { kind: 'hand_over', reason: 'budget_exhausted', detail: '', priority }
  const chosen = chooseModel(parts.models, begun.definition, rung)
  const result = await converse(parts, work, chosen)
  if (result.kind === 'hand_over' || !result.declined) return result
  const { unsureTurns = 0 } = rules
  const before = context.endings.slice(0, unsureTurns - 1)
  if (unsureTurns > 0 && before.length === unsureTurns - 1 && before.every(ending => ending === 'declined'))
    return { kind: 'hand_over', reason: 'no_answer', detail: cutText(context.question, 500), priority }
  return result
}

async function converse(parts: AnswerParts, work: Work, chosen: Chosen): Promise<Answered | HandedOver> {
  const { scope, begun, context, signal } = work
  const { conversationId, agentId, runId, contactId, definition } = begun
  const usesTools = chosen.model.provider !== 'built in'
  const tooling: ToolContext = { scope, conversationId, contactId, runId, agentId }
  let passages: readonly Passage[] = []
  // At the same time: the visitor waits for both, and a tool server may be slow.
  const opening: Promise<OpenTools> = usesTools
    ? parts.toolbox.toolsFor(tooling, definition, signal, () => passages)
    : Promise.resolve(withoutTools)
  work.afterwards(async () => (await opening).close())
  const finding: Promise<Sought> = isSmallTalk(context.question)
    ? Promise.resolve(nothingSought)
    : parts.finder.find(scope, {
        ...{ question: context.question, agentId, conversationId, runId, signal },
        conversation: context.history.slice(0, -1),
        // Whoever answers with what is built in, by wish or for want of money, asks nobody outside.
        frugal: !usesTools,
      })
  work.owes(async () => (await finding).recorded)
  const [found, open] = await Promise.all([finding, opening])
  passages = found.passages
  return rounds(parts, work, { chosen, open, tooling, found })
}

type Sought = Pick<Awaited<ReturnType<Finder['find']>>, 'passages' | 'judgement' | 'recorded'>

/** "Thank you" is no question, so no answer to it is in doubt. */
const nothingSought: Sought = { passages: [], judgement: 'confident', recorded: Promise.resolve() }

interface Rounds {
  readonly chosen: Chosen
  readonly open: OpenTools
  readonly tooling: ToolContext
  readonly found: Sought
}

/** The model speaks, or calls tools and speaks then; in the last round it may only speak. */
async function rounds(parts: AnswerParts, work: Work, given: Rounds): Promise<Answered | HandedOver> {
  const { chosen, open, tooling, found } = given
  const { begun, context, telling, signal } = work
  const { definition, runId } = begun
  const passages = new Map<string, Passage>(found.passages.map(passage => [passage.id, passage]))
  const { judgement } = found
  // Whoever has said nothing that could be searched for, or has nothing that could be, is in no doubt.
  let doubtful = judgement !== 'confident' && context.knows && !asksNothing(context.question)
  work.saw(found.passages)
  const prompt = { ...context, definition, passages: found.passages, judgement }
  const messages: ModelMessage[] = buildPrompt({ ...prompt, toolInstructions: open.instructions })
  const most = definition.limits.toolRounds ?? usualRounds
  for (let round = 0; ; round++) {
    let rung = work.rung
    const request = {
      messages,
      passages: found.passages,
      ...(round < most && open.tools.length > 0 ? { tools: open.tools.map(offered) } : {}),
      parameters: parametersOf(definition),
    }
    const reply = await askModel({
      ...{ chosen, telling, signal, request },
      affords: async () => {
        rung = await work.purse(chosen, request)
        return chosen.model.provider === 'built in' || hasMoney(rung)
      },
      pay: usage => pay(parts, work, chosen, usage),
      onFailure: (failure, attempt) =>
        parts.log.warn({ kind: failure.kind, attempt, runId }, 'a model failed'),
    })
    if (!reply) {
      // Nothing has been done yet that what is built in would not know of.
      if (round === 0 && rung === 'built_in') return rounds(parts, work, { ...given, ...withoutModel(parts) })
      return { kind: 'hand_over', reason: 'budget_exhausted', detail: '', priority: 0 }
    }
    if (reply.toolCalls.length === 0 || round >= most)
      return spoken(reply, chosen, [...passages.values()], doubtful)
    messages.push({ role: 'assistant', text: reply.text, toolCalls: reply.toolCalls })
    telling.restart()
    telling.state('searching')
    const results = await callTools(work, open.tools, tooling, reply.toolCalls)
    for (const { call, result } of results) {
      // What comes from elsewhere, or was done, is no passage that could be cited.
      if (call.name !== 'knowledge_search' && open.tools.some(({ name }) => name === call.name))
        doubtful = false
      for (const passage of result.passages ?? []) passages.set(passage.id, passage)
      messages.push({ role: 'tool', callId: call.id, text: result.text })
    }
    work.saw([...passages.values()])
    const wish = results.map(({ result }) => result.effect).find(isHandOver)
    if (wish)
      return { kind: 'hand_over', reason: 'asked_for_person', detail: wish.reason, priority: wish.priority }
  }
}

function pay(
  { books }: AnswerParts,
  { scope, begun }: Work,
  { model, name }: Chosen,
  { input, output, cached }: Usage,
): Promise<void> {
  const { runId, conversationId, agentId } = begun
  return books.record(scope, {
    ...{ service: 'model', provider: model.provider, model: name },
    ...{ runId, conversationId, agentId, inputTokens: input, outputTokens: output },
    ...(cached === undefined ? {} : { cachedTokens: cached }),
  })
}

const withoutModel = ({ models }: AnswerParts) => ({
  chosen: { model: models.builtIn, name: builtInName },
  open: withoutTools,
})

const withoutTools: OpenTools = { tools: [], instructions: '', close: () => Promise.resolve() }

const isHandOver = (effect: ToolEffect | undefined): effect is ToolEffect & { kind: 'hand_over' } =>
  effect?.kind === 'hand_over'

const offered = ({ name, description, parameters }: Tool): ModelTool => ({ name, description, parameters })

function parametersOf({ parameters, limits }: Begun['definition']) {
  const { temperature, topP, maxTokens } = parameters
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    maxOutputTokens: maxTokens ?? limits.outputTokens ?? usualOutputTokens,
  }
}

type Called = { readonly call: Reply['toolCalls'][number]; readonly result: ToolResult }

/** Each result is kept as soon as it is there, not when the slowest one is: what is kept, no other attempt does again. */
const callTools = (
  work: Work,
  tools: readonly Tool[],
  context: ToolContext,
  calls: Reply['toolCalls'],
): Promise<Called[]> =>
  Promise.all(
    calls
      .map(call => ({ call, callKey: work.calls.keyOf(call) }))
      .map(async ({ call, callKey }, at): Promise<Called> => {
        const tool = tools.find(({ name }) => name === call.name)
        const known = tool?.outside && (await work.calls.resultOf(callKey))
        if (known !== undefined) return { call, result: { text: known } }
        const result = await callTool(work, tool, { ...context, callKey }, { call, at })
        await work.keepToolCall(call, result.text)
        return { call, result }
      }),
  )

async function callTool(
  { signal }: Work,
  tool: Tool | undefined,
  context: CallContext,
  { call, at }: { readonly call: Reply['toolCalls'][number]; readonly at: number },
): Promise<ToolResult> {
  if (at >= mostCalls) return { text: 'Too many calls at once; nothing was done.' }
  if (!tool) return { text: `There is no tool named ${call.name}.` }
  return tool.call(context, argumentsOf(call.arguments), signal)
}

/** What is no JSON is refused by the tool, as what does not fit its schema. */
function argumentsOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function spoken(
  reply: Reply,
  chosen: Chosen,
  passages: readonly Passage[],
  doubtful: boolean,
): Answered | HandedOver {
  if (reply.text.trim() === '') {
    const detail = `The model said nothing (${reply.reason}).`
    return { kind: 'hand_over', reason: 'model_failed', detail, priority: 0 }
  }
  const cited = citedIn(reply.text, passages)
  const declined = reply.declined || (doubtful && cited.length === 0)
  const finishReason = declined ? 'declined' : reply.reason
  return { kind: 'answered', text: reply.text, cited, chosen, finishReason, declined }
}
