import type { Spoken } from '../../chat/index.ts'
import type { Database } from '../../db/index.ts'
import { estimateTokens, type Scope } from '../../kernel/index.ts'
import { recall } from '../memories.ts'
import type { Begun, Outset } from './beginRun.ts'
import { type KnownContext, longest } from './contextStore.ts'

/** So much of what was said goes to the model as it is; what came before, in few words. */
export const windowTokens = 6_000
/** As long as one message may be. More than that, asked before anything is answered, is nobody's question. */
const mostAsked = 20_000

export interface Context extends Omit<KnownContext, 'spoken' | 'remembers'> {
  /** What is to be answered, in the visitor's words. */
  readonly question: string
  /** Where its first line stands: the same in every attempt, whatever is asked meanwhile, and when it is answered anew. */
  readonly questionSeq: number
  /** Oldest first, the question last. */
  readonly history: readonly Spoken[]
  readonly memories: readonly { readonly key: string; readonly value: string }[]
  /** So much was said that its beginning is to be told in few words from now on. */
  readonly long: boolean
}

/** Half of the window, or of the lines that are read: until all of it is full there is room for more answers. */
export const isLong = (spoken: readonly Spoken[]): boolean =>
  spoken.length > longest / 2 || tokensOf(spoken) > windowTokens / 2

const tokensOf = (spoken: readonly Spoken[]): number =>
  spoken.reduce((sum, { text }) => sum + estimateTokens(text), 0)

/** How much of what was said goes to the model as it is. */
export function tokensSaid(begun: Begun, known: Outset['known']): number {
  if ('unreadable' in known) return 0
  const { before, asked } = apart(known.spoken, begun)
  return tokensOf(historyOf(before, asked))
}

/** All that an answer has to know of its conversation, as it was when the run began: what came later is for the next run. */
export async function readContext(
  db: Database,
  scope: Scope,
  begun: Begun,
  known: Outset['known'],
): Promise<Context> {
  const { contactId } = begun
  if ('unreadable' in known) throw known.unreadable
  const { spoken, remembers, ...others } = known
  const { before, asked } = apart(spoken, begun)
  const question = asked.map(({ text }) => text).join('\n')
  const memories =
    contactId !== null && remembers
      ? await db.scoped(scope, tx => recall(scope, tx, contactId, { about: question, limit: 10 }))
      : []
  return {
    ...others,
    question,
    questionSeq: asked[0]?.seq ?? begun.due.askedSeq,
    history: historyOf(before, asked),
    memories,
    long: isLong(spoken),
  }
}

/**
 * What is to be answered, and what was said besides. An answer may stand in the log after the next question, which came while it was written;
 * what came after the questions of this run is for the next one, and the answer whose place is taken was never given.
 */
function apart(spoken: readonly Spoken[], { due, regenerates }: Pick<Begun, 'due' | 'regenerates'>) {
  const { askedSeq } = due
  // Answered together, they are answered together again.
  const answeredSeq = regenerates ? startOfBurst(spoken, askedSeq) : due.answeredSeq
  const isAsked = ({ seq, speaker }: Spoken) => speaker === 'visitor' && seq > answeredSeq && seq <= askedSeq
  const replaced = regenerates && spoken.findLast(({ seq, speaker }) => speaker === 'agent' && seq > askedSeq)
  const before = spoken.filter(
    line => !isAsked(line) && line !== replaced && (line.speaker !== 'visitor' || line.seq <= askedSeq),
  )
  return { before, asked: spoken.filter(isAsked) }
}

/** After what the questions up to this one came. */
function startOfBurst(spoken: readonly Spoken[], askedSeq: number): number {
  const said = spoken.filter(({ seq, speaker }) => seq <= askedSeq && speaker !== 'event')
  return said.findLast(({ speaker }) => speaker !== 'visitor')?.seq ?? 0
}

/** All that is to be answered, since all of it counts as answered then; of what was said before, what there is room for besides. */
function historyOf(before: readonly Spoken[], asked: readonly Spoken[]): Spoken[] {
  const questions = withinWindow(asked, mostAsked, 1)
  return withinWindow([...before, ...questions], windowTokens, questions.length)
}

/** The end of what was said; the last lines always. */
function withinWindow(spoken: readonly Spoken[], tokens: number, always: number): Spoken[] {
  const kept: Spoken[] = []
  let left = tokens
  for (const line of spoken.toReversed()) {
    left -= estimateTokens(line.text)
    if (left < 0 && kept.length >= always) break
    kept.push(line)
  }
  return kept.reverse()
}
