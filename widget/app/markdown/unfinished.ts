const signs = ['**', '__', '~~', '`'] as const

/**
 * A text that is still being written as it will probably look: what was opened in its last paragraph is closed, and what may become a sign or
 * a link is left out until it is known. So nothing flickers between its signs and what they mean.
 */
export function settle(text: string): string {
  if (insideCode(text)) return text
  const start = text.lastIndexOf('\n\n') + 1
  const finished = text.slice(0, start)
  let tail = text.slice(start).replace(/[*_~`#>|-]{1,6}$|\[\d{0,3}(?:,\s?\d{0,3}){0,9}$|!$/, '')
  tail = tail.replace(
    /!?\[(?!\d{1,3}(?:,\s?\d{1,3}){0,9}\]$)([^\]\n]{0,300})\]?$|!?\[([^\]\n]{1,300})\]\([^)\s]{0,2000}$/,
    '$1$2',
  )
  for (const sign of signs) if (tail.split(sign).length % 2 === 0) tail = closed(tail, sign)
  const single = tail.replace(/\*\*|^\s*\*\s/gm, '').split('*').length
  return finished + (single % 2 === 0 ? closed(tail, '*') : tail)
}

/** Closed after the last word: a sign after a space closes nothing. */
const closed = (tail: string, sign: string): string => {
  const words = tail.trimEnd()
  return words.endsWith(sign) ? words.slice(0, -sign.length) : `${words}${sign}`
}

const insideCode = (text: string): boolean => (text.match(/^ {0,3}(```|~~~)/gm)?.length ?? 0) % 2 === 1
