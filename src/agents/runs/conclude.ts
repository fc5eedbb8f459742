import {
  type ConversationLog,
  type Draft,
  type LockedConversation,
  moveConversation,
  type StoredEntry,
} from '../../chat/index.ts'
import { ParleyError, type Scope, storable } from '../../kernel/index.ts'
import type { Answered, HandedOver } from './answer.ts'
import { answerName, type Begun } from './beginRun.ts'
import { citationPart } from './cite.ts'
import type { Standing } from './live.ts'
import { throughOutage } from './throughOutage.ts'

export interface ConcludeParts {
  readonly log: ConversationLog
  /** Of the run that speaks, where one does. */
  readonly standing?: () => Standing
}

/** What a run leaves in the log. Undefined: others answer by now, or have answered, and it leaves nothing (L7). */
export type Stored = StoredEntry | undefined

/** Which question of which agent. */
export type About = Pick<Begun, 'conversationId' | 'agentId' | 'epoch' | 'due' | 'regenerates'> & {
  readonly runId: string | null
}

export const storeAnswer = (
  parts: ConcludeParts,
  scope: Scope,
  about: About,
  { text, cited, chosen, finishReason, declined }: Answered,
  tokens: { readonly inputTokens: number; readonly outputTokens: number },
): Promise<Stored> =>
  append(parts, scope, about, {
    ...(about.regenerates === undefined
      ? { type: 'text', clientId: answerName(about.due.askedSeq), parentId: null, public: true }
      : {
          ...{ type: 'edit', clientId: `${answerName(about.due.askedSeq)}:${about.runId}` },
          ...{ parentId: about.regenerates, public: 'like its target' },
        }),
    role: 'assistant',
    text: storable(text),
    parts: [
      { type: 'text', text: storable(text) },
      ...cited.map(citationPart),
      {
        ...{ type: 'answer', runId: about.runId, finishReason },
        by: chosen.model.provider === 'built in' ? 'built in' : 'model',
        ...(declined ? { offer: 'person' } : {}),
      },
    ],
    answers: about.due.askedSeq,
    ...{ model: chosen.name, provider: chosen.model.provider, finishReason },
    ...{ promptTokens: tokens.inputTokens, completionTokens: tokens.outputTokens },
  })

/** Nothing was said, because somebody stopped it before. */
export const storeStop = (parts: ConcludeParts, scope: Scope, about: About): Promise<Stored> =>
  append(parts, scope, about, {
    ...{
      type: 'system_event',
      role: 'system',
      clientId: `${answerName(about.due.askedSeq)}:stopped:${about.runId}`,
    },
    ...{ parentId: null, public: true, text: 'The answer was stopped.' },
    parts: [{ type: 'event', name: 'stopped', runId: about.runId }],
    answers: about.due.askedSeq,
  })

/** What a tool was asked and what it said; members see it. `number`: which call of the run, because servers repeat their ids. */
export const storeToolCall = (
  parts: ConcludeParts,
  scope: Scope,
  about: About,
  {
    call,
    result,
    number,
  }: {
    readonly call: { readonly id: string; readonly name: string; readonly arguments: string }
    readonly result: string
    readonly number: number
  },
): Promise<Stored> =>
  append(parts, scope, about, {
    ...{ type: 'tool', role: 'tool', clientId: `tool:${about.runId}:${number}` },
    ...{ parentId: null, public: false, text: call.name },
    parts: [
      { type: 'tool_call', id: call.id, name: call.name, arguments: storable(call.arguments) },
      { type: 'tool_result', id: call.id, text: storable(result) },
    ],
  })

const announcements: Readonly<Record<HandedOver['reason'], string>> = {
  asked_for_person: 'A person will take over.',
  no_answer: 'The assistant does not know; a person will take over.',
  budget_exhausted: 'A person will take over.',
  turn_limit: 'A person will take over.',
  no_agent: 'A person will take over.',
  model_failed: 'The assistant cannot answer right now; a person will take over.',
}

/** Calls people, with all they should know. Whoever wanted a person is not asked by AI again; anything else stays open for it. */
export function handOver(
  parts: ConcludeParts,
  scope: Scope,
  about: About,
  { reason, detail, priority }: HandedOver,
): Promise<Stored> {
  const { conversationId, agentId, due, epoch, runId } = about
  return patiently(parts, about, guard =>
    moveConversation(parts.log, scope, {
      ...{
        conversationId,
        clientId: `people:${due.askedSeq}:${epoch}`,
        sender: { kind: 'agent', id: agentId },
      },
      happening: { name: 'called_people', text: announcements[reason] },
      ownership: {
        ...{ owner: 'queue', assignedMemberId: null, status: 'waiting' },
        handOver: { reason, detail, priority, runId },
      },
      ...(reason === 'asked_for_person' ? { answers: due.askedSeq } : {}),
      guard,
    }),
  )
}

const append = (
  parts: ConcludeParts,
  scope: Scope,
  about: About,
  draft: Omit<Draft, 'conversationId' | 'sender' | 'guard'>,
): Promise<Stored> =>
  patiently(parts, about, guard =>
    parts.log.append(scope.tenantId, {
      ...draft,
      ...{ conversationId: about.conversationId, sender: { kind: 'agent', id: about.agentId }, guard },
    }),
  )

/**
 * A database that is away for a moment costs no answer: the entry has its name, so that it is stored once (L2). Nor does a lease that has
 * lapsed: the next renewal either brings it back or says who has it.
 */
async function patiently(
  { standing = () => 'held' }: ConcludeParts,
  { epoch, due }: About,
  store: (guard: (conversation: LockedConversation) => void) => Promise<StoredEntry>,
): Promise<Stored> {
  let superseded = false
  // Under the lock: whoever took the conversation or answered the question has done so before this, or comes after it (L7).
  const guard = (conversation: LockedConversation) => {
    const stands = standing()
    superseded =
      stands === 'lost' ||
      conversation.owner !== 'ai' ||
      conversation.epoch !== epoch ||
      conversation.answeredSeq >= due.askedSeq ||
      conversation.status === 'archived'
    if (superseded) throw new ParleyError('conflict', 'The conversation has moved on.')
    if (stands === 'lapsed') throw new ParleyError('unavailable', 'The lease has lapsed.')
  }
  try {
    return await throughOutage(() => store(guard))
  } catch (error) {
    if (superseded || (error instanceof ParleyError && error.code === 'not_found')) return undefined
    throw error
  }
}
