import { type AnswerWorld, type Asker, openAnswerWorld } from './answerWorld.ts'
import type { DatabaseKind } from './databases.ts'
import type { EscalationView } from './deskWorld.ts'
import { eventually } from './eventually.ts'
import {
  type Script,
  type ScriptedModel,
  type ScriptedRequest,
  startScriptedModel,
} from './services/scriptedModel.ts'

export interface ModelWorld extends AnswerWorld {
  readonly model: ScriptedModel
  /** What the model was asked, the questions that were worded anew left out. */
  answering(): ScriptedRequest[]
  /** What the next answers are, one after the other, however often a question is worded anew meanwhile. */
  answersWith(...scripts: Script[]): void
}

/** Of the cheaper model, which also words questions anew and sums conversations up. */
export const cheapModel = 'scripted-cheap'

/** The company of `facts`, answered for by a scripted model. */
export async function openModelWorld(
  kind: DatabaseKind,
  environment: Readonly<Record<string, string>> = {},
): Promise<ModelWorld> {
  const model = await startScriptedModel()
  const world = await openAnswerWorld(kind, {
    ...{ OPENAI_BASE_URL: model.url, OPENAI_MODEL: 'scripted', OPENAI_CHEAP_MODEL: cheapModel },
    MODEL_PRICES: '{"scripted": {"input": 10, "output": 10}, "scripted-cheap": {"input": 1, "output": 1}}',
    ...environment,
  })
  return {
    ...world,
    model,
    answering: () =>
      model.requests.filter(({ endpoint, body }) => endpoint === 'chat' && body.model !== cheapModel),
    answersWith: (...scripts) =>
      model.always('chat', ({ body }) =>
        body.model === cheapModel ? { text: 'The question in other words?' } : (scripts.shift() ?? {}),
      ),
    remove: async () => {
      await world.remove()
      await model.stop()
    },
  }
}

/** All that the model was told in one request, as one text. */
export const toldIn = (request: ScriptedRequest | undefined): string =>
  (request?.body.messages ?? []).map(({ role, content }) => `${role}: ${content ?? ''}`).join('\n')

export interface RunView {
  readonly id: string
  readonly state: string
  readonly attempt: number
  readonly provider: string
  readonly model: string
  readonly finishReason: string | null
  readonly error: string | null
  readonly messageId: string | null
  readonly regenerates: string | null
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
  readonly firstTokenMs: number | null
}

/** The attempts to answer in a conversation, newest first, once none is at work any more. */
export async function endedRuns({ workspace }: AnswerWorld, conversationId: string): Promise<RunView[]> {
  let items: RunView[] = []
  await eventually('the end of all runs', async () => {
    const path = `/api/v1/runs?conversationId=${conversationId}`
    items = (await workspace.owner.call<{ items: RunView[] }>('get', path)).body.items
    return items.every(({ state }) => state !== 'running')
  })
  return items
}

/** Others have ended it while a model wrote, and it says what that has cost. */
export const overtaken = ({ state, model, inputTokens, outputTokens, costUsd }: RunView): boolean =>
  state === 'superseded' && model === 'scripted' && inputTokens > 0 && outputTokens > 0 && costUsd > 0

export async function escalationsOf(
  { workspace }: AnswerWorld,
  conversationId: string,
): Promise<EscalationView[]> {
  const path = `/api/v1/escalations?conversationId=${conversationId}`
  return (await workspace.owner.call<{ items: EscalationView[] }>('get', path)).body.items
}

export const inQueue = (asker: Asker) =>
  eventually('people are called', () => asker.owners.at(-1)?.owner === 'queue', 20_000)

export const answersOf = (asker: Asker) =>
  asker.entries.filter(({ sender, type }) => sender.kind === 'agent' && type === 'text')
