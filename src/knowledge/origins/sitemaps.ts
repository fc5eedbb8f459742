import { takingTurns } from '../../kernel/index.ts'
import type { Outgoing } from '../../providers/outgoing.ts'
import { SourceProblem } from '../problems.ts'
import { addressOf } from './addresses.ts'
import { type Asked, fetchBytes } from './fetchBytes.ts'

const mostFiles = 30
const mostBytes = 20 * 1024 * 1024

export const isSitemap = (text: string): boolean =>
  /^[^<]*(<[?!][^>]*>\s*)*<(urlset|sitemapindex)[\s>]/.test(text.slice(0, 2_000))

/** What a sitemap lists: addresses of pages, or other sitemaps. They are read one by one, so that others can have their turn between them. */
export function readSitemap(text: string): {
  readonly of: 'pages' | 'maps'
  readonly links: Iterable<string>
} {
  const isIndex = /<sitemapindex[\s>]/.test(text.slice(0, 2_000))
  return { of: isIndex ? 'maps' : 'pages', links: linksOf(text) }
}

const [opening, closing] = ['<loc>', '</loc>']
const longestLink = 2_000
/** No sitemap may list more. */
const mostLinks = 50_000

/** Each character is looked at once or twice, whatever they are: a regular expression would go back and forth over blanks. */
function* linksOf(text: string): Generator<string> {
  let at = text.indexOf(opening)
  for (let count = 0; at >= 0 && count < mostLinks; count++) {
    const end = text.indexOf('<', at + opening.length)
    if (end < 0) return
    const link = text.slice(at + opening.length, end).trim()
    at = text.indexOf(opening, end)
    if (text.startsWith(closing, end) && link !== '' && link.length <= longestLink) yield plainText(link)
  }
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const plainText = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name) => entities[name] ?? '')

/** The pages that sitemaps of an origin list, and those of the sitemaps that they list. What cannot be read lists nothing. */
export async function* pagesOfSitemaps(
  outgoing: Outgoing,
  origin: string,
  first: readonly string[],
  asked: Asked,
): AsyncGenerator<string> {
  const known = new Set<string>()
  const queue: string[] = []
  const add = (link: string) => {
    const address = addressOf(link, origin)
    if (address === undefined || new URL(address).origin !== origin || known.has(address)) return
    known.add(address)
    if (queue.length < mostFiles) queue.push(address)
  }
  const othersToo = takingTurns()
  for (const link of first) {
    add(link)
    await othersToo()
  }
  for (const address of queue) {
    const { of, links } = readSitemap(await textOf(outgoing, address, asked))
    for (const link of links) {
      if (of === 'pages') yield link
      else add(link)
      await othersToo()
    }
  }
}

async function textOf(outgoing: Outgoing, address: string, asked: Asked): Promise<string> {
  try {
    const { bytes } = await fetchBytes(outgoing, address, { ...asked, maxBytes: mostBytes })
    return new TextDecoder().decode(bytes)
  } catch (error) {
    asked.signal.throwIfAborted()
    // A site need not have one; links lead to its pages as well.
    if (error instanceof SourceProblem || (error instanceof Error && error.name === 'OutgoingError'))
      return ''
    throw error
  }
}
