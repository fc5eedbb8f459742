import { inOnePiece } from './ids.ts'

/** Words are short; what is longer comes from nobody who would ask for it again. */
const longestKept = 32
const mostKept = 20_000

/**
 * The same function of a word, which remembers what it has said of many. Languages use few words often: of most texts nearly all are known
 * after a while. When it has its fill it begins anew, which costs less than to know which of them were used.
 */
export function remembered<Said>(work: (word: string) => Said): (word: string) => Said {
  const known = new Map<string, Said>()
  return word => {
    if (word.length > longestKept) return work(word)
    const before = known.get(word)
    if (before !== undefined) return before
    // Half of a character does not survive the copy below.
    if (!word.isWellFormed()) return work(word)
    if (known.size === mostKept) known.clear()
    // A word is often a view into its text, and would keep all of that.
    const own = inOnePiece(word)
    const said = work(own)
    known.set(own, said)
    return said
  }
}
