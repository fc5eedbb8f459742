import { Parser } from 'htmlparser2'

/** What a page says to programs that read sites. */
export interface WebPage {
  /** As they stand there; those that are not to be followed are left out. */
  readonly links: readonly string[]
  /** What links are relative to, if not to the page. */
  readonly base: string | undefined
  /** Of its robots tags, in small letters: `noindex`, `nofollow` … */
  readonly robots: readonly string[]
}

export type ReadWebPage = (html: string) => WebPage

const mostLinks = 5_000

/** In one pass and without a tree: a page of some megabytes is done in the time of a few messages. */
export const readWebPage: ReadWebPage = html => {
  const links: string[] = []
  const robots: string[] = []
  let base: string | undefined
  const parser = new Parser({
    onopentag(name, { href, rel = '', content = '', ...attributes }) {
      if (name === 'base') base ??= href
      if (name === 'meta' && /^(robots|parley)$/i.test(attributes.name?.trim() ?? ''))
        robots.push(...wordsOf(content))
      const followed = name === 'a' || name === 'area' || (name === 'link' && /^(next|prev)$/i.test(rel))
      if (!followed || href === undefined || links.length >= mostLinks) return
      if (!wordsOf(rel).includes('nofollow')) links.push(href)
    },
  })
  parser.end(html)
  return { links, base, robots }
}

const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
