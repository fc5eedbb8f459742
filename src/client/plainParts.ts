import type { Part } from '../protocol/index.ts'
import type { Draft } from './outbox.ts'

/** What is pasted may hold characters that no message may: without them it is shown and sent, so that none of it is refused. */
const plain = (text: string, control: RegExp): string =>
  text.replace(control, '').replace(/\p{Cs}/gu, '\ufffd')

function plainPart(part: Part): Part {
  if (part.type === 'text') return { ...part, text: plain(part.text, /[^\P{Cc}\t\n\r]/gu) }
  const { name, ...file } = part
  const plainName = name && plain(name, /\p{Cc}/gu)
  return plainName ? { ...file, name: plainName } : file
}

export function plainDraft(draft: Draft): Draft {
  if (!('parts' in draft.input)) return draft
  const parts = draft.input.parts.map(plainPart)
  // The command and what belongs to it are as they were.
  return { ...draft, input: { ...draft.input, parts } } as Draft
}
