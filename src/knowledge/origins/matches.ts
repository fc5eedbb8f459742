/**
 * Whether a text fits a pattern in which `*` stands for any characters. What is between the stars is looked for once, each piece after the
 * one before it: the time grows with the two lengths, and neither with the number of stars nor with how often a beginning of a piece occurs.
 */
export function matches(pattern: string, text: string): boolean {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of others) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

export interface Patterns {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/** No pattern at all includes everything; what is excluded stays out whatever includes it. */
export const isWanted = ({ include, exclude }: Patterns, path: string): boolean =>
  (include.length === 0 || include.some(pattern => matches(pattern, path))) &&
  !exclude.some(pattern => matches(pattern, path))
