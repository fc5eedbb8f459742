import type { Database } from '../db/index.ts'
import { isSmall, type Log, newId, type Scope, stemOf, wordsOf } from '../kernel/index.ts'
import type { Verdict } from './judge.ts'
import { insertRefinement, insertSteps, type StepValues } from './retrievalStore.ts'
import type { Asked, MayKeepWords, Passage, Retrieval, Retriever } from './retrieve.ts'

/** What was said before a question. */
export interface Said {
  /** `visitor`, if it was whoever asks. */
  readonly speaker: string
  readonly text: string
}

export interface Question extends Omit<Asked, 'query' | 'original'> {
  readonly question: string
  /** Oldest first, without the question. Undefined: a model has worded the question so that it stands alone, and it is not worded anew. */
  readonly conversation?: readonly Said[] | undefined
}

export type Rewrite = (
  scope: Scope,
  about: {
    readonly question: string
    readonly conversation: readonly Said[]
    readonly signal?: AbortSignal
    /** For whom it is, who pays for it. */
    readonly agentId?: string
    readonly conversationId?: string
    readonly runId?: string
  },
) => Promise<string | undefined>

export interface FinderParts {
  readonly retriever: Retriever
  readonly db: Database
  readonly log: Log
  /** A model that words the question anew so that it can be understood alone. */
  readonly rewrite?: Rewrite | undefined
  readonly mayKeepWords: MayKeepWords
}

export interface Found extends Verdict {
  /** Of the first search, under which the others are recorded. */
  readonly id: string
  readonly passages: readonly Passage[]
  readonly latencyMs: number
  /** What was searched for the second time, where there was one. */
  readonly refinedQuery?: string
  /** As that of a retrieval, for all of it. */
  readonly recorded: Promise<void>
}

/** Searches; where that finds too little, asks in other words and looks once more, and keeps the better. */
export interface Finder {
  find(scope: Scope, question: Question): Promise<Found>
}

/** As many as a retrieval gives unless told. */
const usualLimit = 6

export function createFinder(parts: FinderParts): Finder {
  const { retriever } = parts
  return {
    find: async (scope, { question, conversation, ...asked }) => {
      const started = performance.now()
      const first = await retriever.retrieve(scope, { ...asked, query: question })
      if (first.judgement === 'confident') return first
      if (conversation === undefined) return first
      const { signal, agentId, conversationId, runId } = asked
      const reworded = await reword(asked.frugal ? { ...parts, rewrite: undefined } : parts, scope, {
        ...{ question, conversation },
        ...(signal && { signal }),
        ...(agentId !== undefined && { agentId }),
        ...(conversationId !== undefined && { conversationId }),
        ...(runId !== undefined && { runId }),
      })
      if (reworded === undefined)
        return { ...first, recorded: recordSteps(parts, scope, first, stepsWithout(first)) }
      const second = await retriever.retrieve(scope, {
        ...{ ...asked, query: reworded.query },
        // What was said before are the visitor's own words.
        ...(reworded.by === 'model' && { original: { question, confidence: first.confidence } }),
      })
      const better = second.confidence > first.confidence ? second : first
      const { confidence, judgement } = better
      return {
        ...{ id: first.id, confidence, judgement, refinedQuery: reworded.query },
        passages: merged(better, better === first ? second : first, asked.limit ?? usualLimit),
        latencyMs: performance.now() - started,
        recorded: recordRefinement(parts, scope, {
          ...{ question, first, second, runId: asked.runId },
          ...reworded,
        }),
      }
    },
  }
}

interface Reworded {
  readonly query: string
  readonly by: 'model' | 'previous messages'
}

async function reword(
  { rewrite, log }: FinderParts,
  scope: Scope,
  about: Parameters<Rewrite>[1],
): Promise<Reworded | undefined> {
  try {
    const query = (await rewrite?.(scope, about))?.trim()
    if (query && query !== about.question.trim()) return { query, by: 'model' }
  } catch (error) {
    about.signal?.throwIfAborted()
    log.warn({ err: error }, 'a question could not be worded anew by the model')
  }
  const query = withEarlierWords(about.question, about.conversation)
  return query === undefined ? undefined : { query, by: 'previous messages' }
}

/** Whoever asks "And how much is it?" has said before what it is about. */
const messagesBack = 3
const mostWords = 12

/** The question with what the visitor's last messages say besides; undefined where that is nothing. */
function withEarlierWords(question: string, conversation: readonly Said[]): string | undefined {
  const known = new Set(wordsOf(question).map(stemOf))
  const added: string[] = []
  const own = conversation.filter(({ speaker }) => speaker === 'visitor').slice(-messagesBack)
  for (const { text } of own.reverse()) {
    for (const word of wordsOf(text)) {
      const stem = stemOf(word)
      if (isSmall(word) || known.has(stem) || added.length === mostWords) continue
      known.add(stem)
      added.push(word)
    }
  }
  return added.length === 0 ? undefined : `${question} ${added.join(' ')}`
}

function merged({ passages }: Retrieval, other: Retrieval, limit: number): Passage[] {
  const known = new Set(passages.map(({ id }) => id))
  return [...passages, ...other.passages.filter(({ id }) => !known.has(id))]
    .slice(0, limit)
    .map((passage, at) => ({ ...passage, number: at + 1 }))
}

type Step = Omit<StepValues, 'step'>

const searched = ({ passages }: Retrieval, query: string): Step => ({
  action: 'search',
  reasoning: query,
  result: `${passages.length} passages`,
})

const judged = ({ judgement, confidence }: Retrieval): Step => ({
  action: 'judge',
  result: `${judgement} (${confidence.toFixed(2)})`,
})

const stepsWithout = (first: Retrieval): Step[] => [
  judged(first),
  { action: 'reword', result: 'nothing in the conversation says more' },
]

const numbered = (steps: readonly Step[]): StepValues[] =>
  steps.map((step, at) => ({ ...step, step: at + 1 }))

/** After the searches themselves, to which it refers. Where it cannot be written, the answer is given all the same. */
async function recorded(
  { db, log }: FinderParts,
  scope: Scope,
  searches: readonly Retrieval[],
  write: Parameters<Database['scoped']>[1],
): Promise<void> {
  await Promise.all(searches.map(search => search.recorded))
  try {
    await db.scoped(scope, write)
  } catch (error) {
    log.error({ err: error, tenantId: scope.tenantId }, 'a refinement could not be recorded')
  }
}

const recordSteps = (parts: FinderParts, scope: Scope, first: Retrieval, steps: readonly Step[]) =>
  recorded(parts, scope, [first], tx => insertSteps(tx, scope, first.id, numbered(steps)))

interface Refinement extends Reworded, Pick<Asked, 'runId'> {
  readonly question: string
  readonly first: Retrieval
  readonly second: Retrieval
}

const recordRefinement = (
  parts: FinderParts,
  scope: Scope,
  { question, first, second, query, by, runId }: Refinement,
): Promise<void> =>
  recorded(parts, scope, [first, second], async tx => {
    const mayKeep = await parts.mayKeepWords(tx, scope, runId)
    const words = (text: string) => (mayKeep ? text : '')
    await insertRefinement(tx, scope, {
      ...{ id: newId(), retrievalId: first.id, refinedRetrievalId: second.id },
      ...{ originalQuery: words(question), refinedQuery: words(query), reasoning: `worded anew by: ${by}` },
      improvement: second.confidence - first.confidence,
    })
    const kept = second.confidence > first.confidence ? 'the second search' : 'the first search'
    await insertSteps(
      tx,
      scope,
      first.id,
      numbered([
        searched(first, words(question)),
        judged(first),
        { action: 'reword', reasoning: `by ${by}`, result: words(query) },
        searched(second, words(query)),
        judged(second),
        { action: 'decide', result: kept },
      ]),
    )
  })
