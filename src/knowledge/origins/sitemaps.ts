import type { Outgoing } from '../../providers/outgoing.ts'
import { SourceProblem } from '../problems.ts'
import { addressOf } from './addresses.ts'
import { type Asked, fetchBytes } from './fetchBytes.ts'

const mostFiles = 30
const mostBytes = 20 * 1024 * 1024

export const isSitemap = (text: string): boolean =>
  /^[^<]*(<[?!][^>]*>\s*)*<(urlset|sitemapindex)[\s>]/.test(text.slice(0, 2_000))

/** The addresses that a sitemap lists, and the sitemaps that it lists. */
export function readSitemap(text: string): { pages: string[]; maps: string[] } {
  const isIndex = /<sitemapindex[\s>]/.test(text.slice(0, 2_000))
  const listed = [...text.matchAll(/<loc>\s*([^<]{1,2000})<\/loc>/g)].map(([, loc = '']) =>
    plainText(loc.trim()),
  )
  return isIndex ? { pages: [], maps: listed } : { pages: listed, maps: [] }
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
  for (const link of first) add(link)
  for (const address of queue) {
    const text = await textOf(outgoing, address, asked)
    const { pages, maps } = readSitemap(text)
    yield* pages
    for (const link of maps) add(link)
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
