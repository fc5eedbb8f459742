import type { Scope } from '../../kernel/index.ts'
import type { Passage } from '../../providers/model.ts'
import type { Work } from './guarded.ts'

/** Looks a question up in what an agent knows, as the knowledge room does it. */
export type Find = (
  scope: Scope,
  wanted: {
    readonly question: string
    readonly agentId: string
    readonly conversationId: string
    readonly runId: string
    readonly signal: AbortSignal
  },
) => Promise<{
  readonly passages: readonly Passage[]
  readonly judgement: 'confident' | 'unsure' | 'none'
  /** It is on record, and on the bill of the run. */
  readonly recorded: Promise<void>
}>

const remarks = {
  confident: '',
  unsure: 'These passages may not answer the question; say so where they do not.\n\n',
  none: 'Nothing that was found answers the question. Say that you do not know, and offer a person.\n\n',
}

/** In one run a passage has one number, however often it is found: answers cite by it. `given` are those the model has already. */
export function knowledgeSearch(find: Find, given: () => readonly Passage[] = () => []): Work {
  let known: Map<string, number> | undefined
  const numbered = (passage: Passage): Passage => {
    known ??= new Map(given().map(({ id, number }) => [id, number]))
    const numbers = known
    const number = numbers.get(passage.id) ?? numbers.size + 1
    numbers.set(passage.id, number)
    return { ...passage, number }
  }
  return {
    name: 'knowledge_search',
    description:
      'Searches the documents of the company. Use it before answering anything about the company, its products or its terms. Answer from the passages it gives, and cite them as [1].',
    parameters: {
      type: 'object',
      properties: {
        question: {
          type: 'string',
          minLength: 1,
          maxLength: 1_000,
          description: 'What is to be found out, as a whole question that can be understood by itself',
        },
      },
      required: ['question'],
      additionalProperties: false,
    },
    async run({ scope, agentId, conversationId, runId }, args, signal) {
      const question = String(args.question)
      const found = await find(scope, { question, agentId, conversationId, runId, signal })
      const { judgement } = found
      await found.recorded
      const passages = found.passages.map(numbered)
      const texts = passages.map(({ number, title, section, page, text }) => {
        const place = [title, section, page === undefined ? undefined : `page ${page}`]
          .filter(Boolean)
          .join(', ')
        return `[${number}] ${place}\n${text}`
      })
      return { text: remarks[judgement] + texts.join('\n\n'), data: { judgement }, passages }
    },
  }
}
