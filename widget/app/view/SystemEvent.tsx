import type { Message } from '../../../src/client/index.ts'
import type { TextKey } from '../../texts/en.ts'
import type { Words } from '../state/words.ts'
import { useWords } from './parts.tsx'
import { useWho } from './who.ts'

const texts: Readonly<Record<string, TextKey>> = {
  ...{ called_people: 'called', queued: 'called', left: 'called', claimed: 'claimed' },
  ...{ handed_back: 'handedBack', resolved: 'resolved', stopped: 'stopped' },
}

/** What happened, in the visitor's language; what this version does not know, in the words of the log. */
export function eventText({ parts, text }: Message, words: Words, name: string): string {
  const key = texts[String(parts.find(({ type }) => type === 'event')?.name)]
  return key ? words(key, { name }) : text
}

export function SystemEvent({ message }: { readonly message: Message }) {
  const words = useWords()
  const { name } = useWho(message.sender)
  return (
    <p class="event" dir="auto">
      {eventText(message, words, name)}
    </p>
  )
}
