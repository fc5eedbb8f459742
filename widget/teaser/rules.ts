import type { ProactiveRule } from '../../src/protocol/index.ts'

/** What a page has seen since the visitor came to it. */
export interface Seen {
  readonly url: string
  readonly seconds: number
  /** In per cent. */
  readonly scrolled: number
  readonly leaving: boolean
  readonly events: readonly string[]
}

/** Whether everything is true that the rule asks for. */
export const holds = (
  { url, seconds, scroll, exitIntent, event }: ProactiveRule['when'],
  seen: Seen,
): boolean =>
  (!url || covers(url, seen.url)) &&
  seen.seconds >= (seconds ?? 0) &&
  seen.scrolled >= (scroll ?? 0) &&
  (!exitIntent || seen.leaving) &&
  (!event || seen.events.includes(event))

/** Piece by piece and without a regular expression, which many `*` would make slow. */
export function covers(pattern: string, url: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return url === first
  let at = first.length
  const inOrder = rest.every(piece => {
    const found = url.indexOf(piece, at)
    at = found + piece.length
    return found >= 0
  })
  return inOrder && url.startsWith(first) && url.endsWith(last) && url.length - last.length >= at
}
