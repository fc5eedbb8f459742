import {
  cutText,
  estimateTokens,
  isReferring,
  isSmall,
  isSmallTalk,
  type Language,
  languageOf,
  type SmallTalk,
  smallTalkOf,
  wordsOf,
} from '../kernel/index.ts'
import { chooseSentences } from './extractive/chooseSentences.ts'
import { isFaint } from './extractive/faintWords.ts'
import type { Asked } from './extractive/terms.ts'
import { ServiceFailure } from './failure.ts'
import type { Model, ModelEvent, ModelRequest, Passage } from './model.ts'

/**
 * Answers when no model is configured: with sentences of the passages, word for word, each followed by the mark of its passage. It knows
 * nothing else, so where the passages have no answer it says so (`declined`); small talk it returns. The same request always gets the same answer. Of the
 * parameters it heeds the limit of output; tools it never calls.
 */
export const builtInModel: Model = {
  provider: 'built in',
  stream: request => ({ [Symbol.asyncIterator]: () => answer(request) }),
}

async function* answer(request: ModelRequest): AsyncGenerator<ModelEvent, void, undefined> {
  const { messages, passages = [], parameters = {}, signal } = request
  const check = () => {
    if (signal?.aborted) throw new ServiceFailure('aborted', 'the request was given up')
  }
  check()
  const { text, declined } = returned(messages) ?? (await quoted(messages, passages))
  const most = parameters.maxOutputTokens ?? Number.POSITIVE_INFINITY
  const input = messages.map(message => message.text).concat(passages.map(passage => passage.text))
  let output = 0
  let reason: 'stop' | 'length' = 'stop'
  for (const [word] of text.matchAll(/\s*\S+/gu)) {
    if (output + estimateTokens(word) > most) {
      reason = 'length'
      break
    }
    output += estimateTokens(word)
    yield { type: 'text', text: word }
    check()
  }
  yield {
    type: 'finish',
    reason,
    usage: { input: input.reduce((sum, part) => sum + estimateTokens(part), 0), output, estimated: true },
    ...(declined && { declined }),
  }
}

type Messages = ModelRequest['messages']

interface Said {
  readonly text: string
  readonly declined: boolean
}

async function quoted(messages: Messages, passages: readonly Passage[]): Promise<Said> {
  const asked = questionOf(messages)
  const sentences = await chooseSentences(asked, passages)
  const declined = sentences.length === 0
  const text = declined
    ? declining[languageOf(asked.question)]
    : sentences.map(({ text: sentence, passage }) => `${sentence} [${passage.number}]`).join(' ')
  return { text, declined }
}

/** Small talk, in the language of what was said before where "ok" is a word of many. */
function returned(messages: Messages): Said | undefined {
  const said = visitorsOf(messages)
  const smallTalk = smallTalkOf(said.at(-1) ?? '')
  if (!smallTalk) return undefined
  const { kind, languages } = smallTalk
  const before = languageOf(said.filter(text => !isSmallTalk(text)).join('\n'))
  const language = languages.includes(before) ? before : (languages[0] ?? before)
  return { text: returning[language][kind], declined: false }
}

/** As much as passages are looked for by: each of its words is held against each of theirs. */
const longestQuestion = 2_000

/** Without addresses: where somebody was does not say what they ask. */
const visitorsOf = (messages: Messages): string[] =>
  messages.flatMap(({ role, text }) =>
    role === 'user' ? [cutText(text.replace(/\bhttps?:\/\/\S+/gi, ' '), longestQuestion)] : [],
  )

/** "And how much is it?" asks about what was said before. */
function questionOf(messages: Messages): Asked {
  const [last = '', before] = visitorsOf(messages)
    .filter(text => !isSmallTalk(text))
    .reverse()
  if (before === undefined) return { last, question: last }
  const words = wordsOf(last)
  const alone = words.filter(word => !isSmall(word) && !isFaint(word)).length > 1 && !words.some(isReferring)
  return { last, question: alone ? last : `${before} ${last}` }
}

const declining: Readonly<Record<Language, string>> = {
  en: 'I could not find an answer to that in the documents.',
  de: 'Dazu habe ich in den Dokumenten keine Antwort gefunden.',
  fr: 'Je n’ai pas trouvé de réponse à cette question dans les documents.',
  es: 'No he encontrado una respuesta a esa pregunta en los documentos.',
  it: 'Non ho trovato una risposta a questa domanda nei documenti.',
  pt: 'Não encontrei uma resposta a essa pergunta nos documentos.',
  nl: 'Daar heb ik in de documenten geen antwoord op gevonden.',
}

const returning: Readonly<Record<Language, Readonly<Record<SmallTalk, string>>>> = {
  en: {
    greeting: 'Hello! What would you like to know?',
    thanks: 'You are welcome.',
    goodbye: 'Goodbye!',
    nod: 'Ask whenever you would like to know something.',
  },
  de: {
    greeting: 'Hallo! Was möchten Sie wissen?',
    thanks: 'Gern geschehen.',
    goodbye: 'Auf Wiedersehen!',
    nod: 'Fragen Sie gern, wenn Sie etwas wissen möchten.',
  },
  fr: {
    greeting: 'Bonjour ! Que souhaitez-vous savoir ?',
    thanks: 'Avec plaisir.',
    goodbye: 'Au revoir !',
    nod: 'N’hésitez pas à poser une question.',
  },
  es: {
    greeting: '¡Hola! ¿Qué le gustaría saber?',
    thanks: 'De nada.',
    goodbye: '¡Hasta luego!',
    nod: 'Pregunte cuando quiera saber algo.',
  },
  it: {
    greeting: 'Buongiorno! Che cosa desidera sapere?',
    thanks: 'Prego.',
    goodbye: 'Arrivederci!',
    nod: 'Chieda pure, se desidera sapere qualcosa.',
  },
  pt: {
    greeting: 'Olá! O que gostaria de saber?',
    thanks: 'De nada.',
    goodbye: 'Até logo!',
    nod: 'Pergunte sempre que quiser saber algo.',
  },
  nl: {
    greeting: 'Hallo! Wat wilt u weten?',
    thanks: 'Graag gedaan.',
    goodbye: 'Tot ziens!',
    nod: 'Vraag gerust als u iets wilt weten.',
  },
}
