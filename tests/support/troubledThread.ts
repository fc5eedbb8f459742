import type { ParsedDocument } from '../../src/providers/documentReader.ts'

const fail = () => {
  throw new Error('outside of everything')
}

/** A last step in the threads of the reader that makes trouble, by what the document is called. */
export default function makeTrouble({ title }: ParsedDocument): string | Promise<string> {
  if (title === 'exit') process.exit(3)
  if (title === 'reject') throw new Error('inside')
  // When it is done and the next one has been begun.
  if (title === 'stray') setTimeout(fail, 50)
  if (title === 'long') return new Promise(resolve => setTimeout(resolve, 500, title))
  while (title === 'forever') Math.random()
  if (title !== 'throw') return title
  setImmediate(fail)
  return new Promise(() => undefined)
}
