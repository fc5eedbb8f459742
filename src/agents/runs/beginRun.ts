import { type Due, lockAlone } from '../../chat/index.ts'
import type { Ask, Database } from '../../db/index.ts'
import { newId, ParleyError, type Scope } from '../../kernel/index.ts'
import { budgeted } from '../../usage/index.ts'
import type { AgentDefinition } from '../schema.ts'
import { type BeginningRow, beginDue, endLost } from './beginStore.ts'
import { asksContext, type KnownContext, knownFrom } from './contextStore.ts'

/** A run that has its lease. */
export interface Begun {
  readonly runId: string
  readonly conversationId: string
  readonly agentId: string
  readonly contactId: string | null
  readonly epoch: number
  readonly due: Due
  readonly definition: AgentDefinition
  readonly version: number
  /** The answer whose place the new one takes, where somebody asked for another. */
  readonly regenerates: string | undefined
}

/** What is known when it begins, under the same lock. */
export interface Outset {
  /** Whether its tenant has a budget at all. */
  readonly budgeted: boolean
  /** The conversation, or why it cannot be read. */
  readonly known: KnownContext | { readonly unreadable: unknown }
}

/** Why there is no run: nothing is due or another one is at work; or nobody can answer, and people have to. */
export type Beginning =
  | { readonly begun: Begun; readonly outset: Outset }
  | {
      readonly begun?: undefined
      readonly unanswerable?: Due & { readonly why: 'no_agent' | 'tried_too_often' }
    }

/** So often a question is tried that takes its node along, or that a model fails at. */
const mostAttempts = 4

/** Under which an agent's answer stands in the log: of however many attempts, one is stored (L2). */
export const answerName = (askedSeq: number): string => `answer:${askedSeq}`

/**
 * Takes what is due, under the conversation's lock: at most one run is at work in it. The visitor waits, so all of it is one message to the
 * database, with what the run will have to know.
 */
export async function beginRun(
  db: Database,
  scope: Scope,
  conversationId: string,
  node: string,
): Promise<Beginning> {
  const runId = newId()
  const run = { conversationId, runId, node, mostAttempts }
  const asks = [
    lockAlone(scope, conversationId),
    endLost(scope, conversationId),
    beginDue(scope, run),
    budgeted(scope),
  ] as const
  const named = { conversationId, runId }
  try {
    const [, , [row], [money], ...context] = await db.atOnce(scope, [
      ...asks,
      ...asksContext(scope, conversationId),
    ])
    return beginning(named, { row, money, known: knownFrom(context) })
  } catch (error) {
    if (error instanceof ParleyError && error.code === 'unavailable') throw error
    // Without what could not be read it has its lease all the same: what fails in a run, people answer.
    const [, , [row], [money]] = await db.atOnce(scope, asks)
    return beginning(named, { row, money, known: { unreadable: error } })
  }
}

type RowOf<Asked> = Asked extends Ask<infer Row> ? Row : never

interface Found extends Pick<Outset, 'known'> {
  readonly row: BeginningRow | undefined
  readonly money: RowOf<ReturnType<typeof budgeted>> | undefined
}

function beginning(
  { conversationId, runId }: Pick<Begun, 'conversationId' | 'runId'>,
  { row, money, known }: Found,
): Beginning {
  if (!row || row.alive) return {}
  const { agentId, contactId, epoch, askedSeq, answeredSeq, definition, version, regenerates } = row
  const due = { agentId, contactId, epoch, askedSeq, answeredSeq }
  if (definition === null || version === null) return { unanswerable: { ...due, why: 'no_agent' } }
  if (row.attempts >= mostAttempts) return { unanswerable: { ...due, why: 'tried_too_often' } }
  if (!row.began) return {}
  const agent = { agentId, contactId, epoch, definition, version }
  return {
    begun: { ...{ runId, conversationId, ...agent, due }, regenerates: regenerates ?? undefined },
    outset: { budgeted: money?.budgeted ?? true, known },
  }
}
