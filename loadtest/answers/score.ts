import type { DemoShop } from './demoShop.ts'
import type { DemoQuestion } from './questions.ts'

/** How one question went. */
export interface Score {
  readonly question: DemoQuestion
  readonly text: string
  readonly declined: boolean
  /** A passage is cited that holds the answer. */
  readonly hit: boolean
  /** The answer itself says it, word for word. */
  readonly said: boolean
  /** What the answer says first does. */
  readonly saidFirst: boolean
}

/** Lines of a document are broken anywhere. */
const plain = (text: string): string => text.replace(/\s+/g, ' ')

/** All questions, one after the other; what goes wrong is told. */
export async function scoreAnswers(
  shop: DemoShop,
  questions: readonly DemoQuestion[],
  tell: (line: string) => void = () => undefined,
): Promise<Score[]> {
  const scores: Score[] = []
  for (const question of questions) {
    const { before, asks, holds = [] } = question
    const outcome = await shop.ask(before === undefined ? [asks] : [before, asks])
    const cited = (outcome?.cited ?? []).map(({ text }) => plain(text))
    const text = plain(outcome?.text ?? '')
    const declined = outcome === undefined || outcome.declined
    const hit = cited.some(passage => holds.some(phrase => passage.includes(phrase)))
    if (question.holds ? !hit : !declined)
      tell(`${hit ? 'hit' : declined ? 'declined' : 'wrong'}: ${asks} → ${text}`)
    const says = (words: string) => holds.some(phrase => words.includes(phrase))
    const [first = ''] = text.split(/\[\d+\]/)
    scores.push({ question, text, declined, hit, said: says(text), saidFirst: says(first) })
  }
  return scores
}

export function figuresOf(scores: readonly Score[]) {
  const answerable = scores.filter(({ question }) => question.holds)
  const unanswerable = scores.filter(({ question }) => !question.holds)
  const share = (all: readonly Score[], met: (score: Score) => boolean) => all.filter(met).length / all.length
  return {
    hit_rate: share(answerable, ({ hit }) => hit),
    said_rate: share(answerable, ({ said }) => said),
    said_first_rate: share(answerable, ({ saidFirst }) => saidFirst),
    declined_unanswerable: share(unanswerable, ({ declined }) => declined),
    declined_answerable: share(answerable, ({ declined }) => declined),
    questions: scores.length,
  }
}
