import type { Block, Reading } from './document.ts'
import { squeezedLines } from './document.ts'
import { languageOfName } from './recognise.ts'

/** Paragraphs are what blank lines part; lines stay, since nobody knows which of them matter. */
export function readPlain(text: string): Reading {
  const blocks = text
    .split(/\n\s*\n|\f/)
    .map(squeezedLines)
    .filter(part => part !== '')
    .map((part): Block => ({ kind: 'paragraph', text: part }))
  return { title: undefined, blocks }
}

export function readCode(text: string, name: string): Reading {
  const language = languageOfName(name)
  const code = text.replace(/^\s*\n/, '').trimEnd()
  const block: Block = { kind: 'code', text: code, ...(language && { language }) }
  return { title: undefined, blocks: code.trim() === '' ? [] : [block] }
}
