import { randomBytes } from 'node:crypto'

/** Marks around what strangers have written, which they cannot know and so not end by themselves (S6). */
export function fenceOff(name: string, text: string): string {
  const boundary = randomBytes(6).toString('hex')
  return `<${name} ${boundary}>\n${text}\n</${name} ${boundary}>`
}
