/** Whether a text fits a pattern in which `*` stands for any characters. Its time does not grow with the number of stars, as that of a regular expression would. */
export function matches(pattern: string, text: string): boolean {
  let [at, star, mark] = [0, -1, 0]
  for (let place = 0; place < text.length; ) {
    if (pattern[at] === '*') {
      star = at++
      mark = place
    } else if (at < pattern.length && pattern[at] === text[place]) {
      at++
      place++
    } else if (star >= 0) {
      at = star + 1
      place = ++mark
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}

export interface Patterns {
  readonly include: readonly string[]
  readonly exclude: readonly string[]
}

/** No pattern at all includes everything; what is excluded stays out whatever includes it. */
export const isWanted = ({ include, exclude }: Patterns, path: string): boolean =>
  (include.length === 0 || include.some(pattern => matches(pattern, path))) &&
  !exclude.some(pattern => matches(pattern, path))
