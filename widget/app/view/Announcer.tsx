import { useEffect, useState } from 'preact/hooks'
import type { ConversationSnapshot } from '../../../src/client/index.ts'
import type { Chat } from '../state/chat.ts'
import { saidIn, spokenOf } from '../state/said.ts'
import type { Words } from '../state/words.ts'
import { isFailed } from './Delivery.tsx'
import { useChat } from './parts.tsx'
import { eventText } from './SystemEvent.tsx'
import { whoIs } from './who.ts'

/** As often as whole sentences of an answer on its way are said; more would interrupt what is being read. */
const everyMs = 3_000

/** What screen readers say: messages when they are complete, and an answer that is being written sentence by sentence. */
export function Announcer() {
  const chat = useChat()
  const [lines, setLines] = useState<readonly { readonly key: number; readonly text: string }[]>([])
  useEffect(() => {
    let key = 0
    const speaker = new Speaker(chat, text => setLines(before => [...before.slice(-3), { key: key++, text }]))
    return speaker.listen()
  }, [chat])
  return (
    <div class="hidden" aria-live="polite">
      {lines.map(({ key, text }) => (
        <p key={key}>{text}</p>
      ))}
    </div>
  )
}

class Speaker {
  readonly #chat: Chat
  readonly #say: (text: string) => void
  /** What is there when the panel opens is read by whoever wants to. */
  #saidTo: number | undefined
  #failed: ReadonlySet<string> = new Set()
  #answer = { runId: '', said: 0 }
  #notBefore = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #talkId: string | null | undefined

  constructor(chat: Chat, say: (text: string) => void) {
    this.#chat = chat
    this.#say = say
  }

  listen(): () => void {
    const stop = this.#chat.store.subscribe(() => this.#look())
    this.#look()
    return () => {
      stop()
      clearTimeout(this.#timer)
    }
  }

  #look(): void {
    const { talk, words } = this.#chat.store.state
    if (!talk || !words) return
    if (talk.id !== this.#talkId && this.#talkId) this.#saidTo = undefined
    this.#talkId = talk.id
    this.#sayMessages(talk, words)
    this.#sayFailures(talk, words)
    this.#sayAnswer(talk)
  }

  #sayMessages({ live, messages, applied }: ConversationSnapshot, words: Words): void {
    if (!live) return
    this.#saidTo ??= applied
    const from = this.#saidTo
    if (applied <= from) return
    this.#saidTo = applied
    for (const message of messages.slice(-50)) {
      const { seq, delivery, sender, text, parts, type } = message
      if (seq === null || seq <= from || delivery !== null) continue
      const { name } = whoIs(this.#chat, this.#chat.store.state, sender)
      const { runId, said } = this.#answer
      const known = parts.some(part => part.type === 'answer' && part.runId === runId) ? said : 0
      const rest = saidIn({ text: text.slice(known), parts }, words)
      if (type === 'system_event') this.#say(eventText(message, words, name))
      else if (rest) this.#say(known > 0 ? rest : `${name}: ${rest}`)
    }
  }

  /** What did not get through is not left to eyes. */
  #sayFailures({ messages }: ConversationSnapshot, words: Words): void {
    const failed = messages.slice(-50).filter(isFailed)
    for (const { key, text } of failed) if (!this.#failed.has(key)) this.#say(`${words('failed')}: ${text}`)
    this.#failed = new Set(failed.map(({ key }) => key))
  }

  #sayAnswer({ answer }: ConversationSnapshot): void {
    if (!answer) return
    if (answer.runId !== this.#answer.runId) this.#answer = { runId: answer.runId, said: 0 }
    const end = lastSentence(answer.text)
    if (end <= this.#answer.said) return
    const wait = this.#notBefore - performance.now()
    clearTimeout(this.#timer)
    if (wait > 0) {
      this.#timer = setTimeout(() => this.#look(), wait)
      return
    }
    this.#notBefore = performance.now() + everyMs
    const words = spokenOf(answer.text.slice(this.#answer.said, end))
    this.#answer = { ...this.#answer, said: end }
    if (words) this.#say(words)
  }
}

/** Where the last sentence ends that is complete for certain: something follows it. */
function lastSentence(text: string): number {
  let end = 0
  for (const { index, 0: found } of text.matchAll(/[.!?…؟]["')\]*_]{0,4}\s|[。！？]|\n/g))
    end = index + found.length
  return end
}
