import type { Script, ScriptedRequest } from './services/scriptedModel.ts'

/** Words its own questions, which no visitor sees. */
export const rewordingModel = 'scripted-cheap'

/** Plain ones, cut to their beginnings, so that nothing of what the product knows of words judges it. */
const wordsOf = (text: string): Set<string> =>
  new Set((text.toLowerCase().match(/[\p{L}\d]{4,}/gu) ?? []).map(word => word.slice(0, 5)))

/**
 * Reads nothing but what it is told, and says the line of the passages that has most of the question's words, rare ones before others, with the
 * mark of its passage. Where the prompt says that nothing was found, it says so, and cites nothing.
 */
export function quoteOfPassages({ body }: ScriptedRequest): Script {
  if (body.model === rewordingModel) return { text: '' }
  const messages = body.messages ?? []
  const system = messages[0]?.content ?? ''
  if (system.includes('Nothing that was found seems to answer')) return { text: 'I do not know.' }
  const passages = system.split(/^(?=\[\d+\] )/m).flatMap(block => {
    const [, number, text] = /^\[(\d+)\] ([\s\S]*)$/.exec(block) ?? []
    return number === undefined || text === undefined ? [] : [{ number, text, words: wordsOf(text) }]
  })
  const asked = [...wordsOf(messages.at(-1)?.content ?? '')]
  const weights = asked.map(word => 1 / (1 + passages.filter(({ words }) => words.has(word)).length))
  const shared = (words: ReadonlySet<string>) =>
    asked.reduce((sum, word, at) => sum + (words.has(word) ? (weights[at] ?? 0) : 0), 0)
  const [best] = passages.sort((one, other) => shared(other.words) - shared(one.words))
  if (!best) return { text: 'I do not know.' }
  const [line] = best.text.split('\n').sort((one, other) => shared(wordsOf(other)) - shared(wordsOf(one)))
  return { text: `${line} [${best.number}]` }
}
