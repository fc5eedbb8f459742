import { hash } from 'node:crypto'
import { pause, takingTurns } from '../../kernel/index.ts'
import type { Outgoing } from '../../providers/outgoing.ts'
import type { ReadWebPage, WebPage } from '../../providers/webPage.ts'
import { problem, problemOf, SourceProblem } from '../problems.ts'
import type { SiteSettings } from '../sourceSettings.ts'
import { addressOf, pathOf } from './addresses.ts'
import { type Asked, type Fetched, fetchBytes } from './fetchBytes.ts'
import type { Ending, Finding, Found } from './found.ts'
import { createFrontier, type Frontier, type Place } from './frontier.ts'
import { isWanted } from './matches.ts'
import { anythingGoes, parseRobots, type Robots } from './robots.ts'
import { isSitemap, pagesOfSitemaps, readSitemap } from './sitemaps.ts'

export interface SiteParts {
  readonly outgoing: Outgoing
  readonly readWebPage: ReadWebPage
  readonly limits: { readonly file: number; readonly pages: number }
}

/** As robots.txt may call us. */
const agent = 'parley'
/** Is looked through for links, in the turn of the event loop that everybody waits for. */
const mostOfAPage = 2 * 1024 * 1024
const mostBytes = 500 * 1024 * 1024
const politePauseMs = 100
/** A site that asks for more would never be done. */
const longestDelaySeconds = 10

/**
 * One page, or those of a site that sitemaps and links lead to, one after the other: same origin, what robots.txt allows, within the limits.
 * Throws when already the first page cannot be read.
 */
export async function* readSite(
  parts: SiteParts,
  { url, settings }: { readonly url: string; readonly settings: SiteSettings },
  signal: AbortSignal,
): Finding {
  const asked: Asked = { maxBytes: parts.limits.file, signal }
  const start = await enter(parts, url, asked)
  const maxPages = Math.min(settings.maxPages, parts.limits.pages)
  const visit: Visit = { ...{ parts, settings, asked, start }, whole: settings.mode === 'site', maxPages }
  const frontier = createFrontier({
    ...{ origin: start.page.url.origin, robots: start.robots, patterns: settings },
    ...{ maxDepth: visit.whole ? settings.maxDepth : 0, most: maxPages * 10 },
  })
  const ending = yield* walk(visit, frontier)
  for (const uri of frontier.refused)
    yield { kind: 'problem', uri, problem: problem('robots_refused'), how: 'skipped', total: null }
  return ending
}

interface Visit {
  readonly parts: SiteParts
  readonly settings: SiteSettings
  readonly asked: Asked
  readonly start: Start
  readonly whole: boolean
  readonly maxPages: number
}

interface Start {
  readonly page: Fetched
  readonly robots: Robots
}

/** The first page and the robots.txt of where it is in the end. */
async function enter({ outgoing }: SiteParts, url: string, asked: Asked): Promise<Start> {
  const address = addressOf(url)
  if (address === undefined) throw new SourceProblem('invalid_address')
  const { origin } = new URL(address)
  const robots = await robotsOf(outgoing, origin, asked)
  requireAllowed(robots, new URL(address))
  const page = await fetchBytes(outgoing, address, asked)
  if (page.url.origin === origin) {
    requireAllowed(robots, page.url)
    return { page, robots }
  }
  const there = await robotsOf(outgoing, page.url.origin, asked)
  requireAllowed(there, page.url)
  return { page, robots: there }
}

function requireAllowed(robots: Robots, url: URL): void {
  if (!robots.allows(pathOf(url))) throw new SourceProblem('robots_refused')
}

async function robotsOf(outgoing: Outgoing, origin: string, asked: Asked): Promise<Robots> {
  try {
    const { bytes } = await fetchBytes(outgoing, `${origin}/robots.txt`, asked)
    return parseRobots(new TextDecoder().decode(bytes), agent)
  } catch (error) {
    asked.signal.throwIfAborted()
    const known = problemOf(error)
    if (known?.code === 'not_found' || known?.code === 'access_denied') return anythingGoes
    // Nobody knows what it would say. An address that leads nowhere is told as what it is.
    if (
      known?.code === 'server_failed' ||
      known?.code === 'rate_limited' ||
      known?.code === 'content_too_large'
    )
      throw new SourceProblem('robots_unreadable')
    throw error
  }
}

async function* walk(visit: Visit, frontier: Frontier): Finding {
  const { settings, asked, start, maxPages, parts } = visit
  const until = Date.now() + settings.maxSeconds * 1_000
  const delayMs = Math.max(politePauseMs, Math.min(start.robots.delaySeconds, longestDelaySeconds) * 1_000)
  const contents = new Set<string>()
  let pages = 0
  let bytes = 0
  let listed = false
  const first: Place = { address: start.page.url.href, depth: 0 }
  for (let place: Place | undefined = first; place; place = frontier.next()) {
    if (pages >= maxPages) return cut('too_many_pages')
    if (bytes > mostBytes) return cut('too_much')
    if (Date.now() > until) return cut('out_of_time')
    if (pages > 0) await pause(delayMs, asked.signal)
    pages++
    const came = place === first ? start.page : await fetchPage(visit, place)
    if ('kind' in came) {
      if (came.kind !== 'nothing') yield { ...came, total: totalOf(frontier, pages, maxPages) }
    } else {
      bytes += came.bytes.length
      const found = await take(visit, frontier, place, came, contents)
      if (found) yield { ...found, total: totalOf(frontier, pages, maxPages) }
    }
    if (visit.whole && !listed) {
      listed = true
      const maps = [...start.robots.sitemaps, '/sitemap.xml']
      await addAll(frontier, pagesOfSitemaps(parts.outgoing, start.page.url.origin, maps, asked), first)
    }
  }
  return frontier.overflowed ? cut('too_many_pages') : { complete: true }
}

const totalOf = (frontier: Frontier, pages: number, maxPages: number) =>
  Math.min(pages + frontier.waiting, maxPages)

const cut = (code: 'too_many_pages' | 'too_much' | 'out_of_time'): Ending => ({
  complete: false,
  problem: problem(code),
})

type Come = Fetched | { readonly kind: 'nothing' } | WithoutTotal

type WithoutTotal = Found extends infer Each ? (Each extends Found ? Omit<Each, 'total'> : never) : never

/** A page beside the first. One that is not there any more, or leads elsewhere, is no page of the site. */
async function fetchPage({ parts, asked, start }: Visit, { address: uri }: Place): Promise<Come> {
  try {
    const page = await fetchBytes(parts.outgoing, uri, asked)
    if (page.url.origin !== start.page.url.origin) return { kind: 'nothing' }
    if (start.robots.allows(pathOf(page.url))) return page
    return { kind: 'problem', uri, problem: problem('robots_refused'), how: 'skipped' }
  } catch (error) {
    asked.signal.throwIfAborted()
    const known = problemOf(error)
    if (!known) throw error
    if (known.code === 'not_found') return { kind: 'nothing' }
    const how = known.code === 'content_too_large' || known.code === 'access_denied' ? 'failed' : 'outdated'
    return { kind: 'problem', uri, problem: known, how }
  }
}

/** Thousands, each of which is held against what the site and the tenant say of addresses. */
async function addAll(
  frontier: Frontier,
  links: Iterable<string> | AsyncIterable<string>,
  from: Place,
): Promise<void> {
  const othersToo = takingTurns()
  for await (const link of links) {
    frontier.add(link, from)
    await othersToo()
  }
}

/** What of a page is a document; its links are noted. */
async function take(
  visit: Visit,
  frontier: Frontier,
  place: Place,
  page: Fetched,
  contents: Set<string>,
): Promise<WithoutTotal | undefined> {
  const uri = addressOf(page.url.href) ?? place.address
  // Redirects lead different addresses to one page.
  if (uri !== place.address && !frontier.isNew(uri)) return undefined
  if (place.depth === 0) frontier.isNew(uri)
  const html = isHtml(page) ? new TextDecoder().decode(page.bytes.subarray(0, mostOfAPage)) : undefined
  if (html === undefined && isListOfPages(page)) {
    const { links } = readSitemap(new TextDecoder().decode(page.bytes))
    await addAll(frontier, links, { address: uri, depth: 0 })
    return undefined
  }
  const said = html === undefined ? undefined : visit.parts.readWebPage(html)
  const wishes = wishesOf(page, said)
  if (said && !wishes.includes('nofollow') && !wishes.includes('none'))
    await addAll(frontier, said.links, { ...place, address: baseOf(said, uri) })
  if (wishes.includes('noindex') || wishes.includes('none'))
    return { kind: 'problem', uri, problem: problem('noindex'), how: 'skipped' }
  if (place.depth > 0 && isOfAnotherKind(page.mimeType)) return undefined
  if (visit.whole && !isWanted(visit.settings, page.url.pathname)) return undefined
  const content = hash('sha256', page.bytes)
  if (contents.has(content)) return undefined
  contents.add(content)
  return { kind: 'document', uri, bytes: page.bytes, mimeType: page.contentType || undefined }
}

const isHtml = ({ mimeType, bytes }: Fetched): boolean =>
  mimeType === 'text/html' ||
  mimeType === 'application/xhtml+xml' ||
  (mimeType === '' &&
    /^\s*<(!doctype html|html)/i.test(Buffer.from(bytes.subarray(0, 200)).toString('latin1')))

const isListOfPages = ({ mimeType, bytes }: Fetched): boolean =>
  /xml|text\/plain/.test(mimeType) && isSitemap(Buffer.from(bytes.subarray(0, 2_000)).toString('latin1'))

/** Of the page itself and of its headers. */
function wishesOf({ headers }: Fetched, said: WebPage | undefined): string[] {
  const header = headers.get('x-robots-tag')?.toLowerCase() ?? ''
  // `otherbot: noindex` is for somebody else.
  const ours = header.split(',').filter(part => !/^\s*(?!parley\b|unavailable_after\b)[\w-]+\s*:/.test(part))
  return [...(said?.robots ?? []), ...ours.flatMap(part => part.trim().split(/[\s:]+/))]
}

function baseOf({ base }: WebPage, uri: string): string {
  return (base === undefined ? undefined : addressOf(base, uri)) ?? uri
}

/** Links lead to all sorts of files; of those nobody can read there is no list. */
const isOfAnotherKind = (mimeType: string): boolean =>
  mimeType !== '' &&
  !/^text\/(?!css|javascript|calendar)/.test(mimeType) &&
  !/^application\/(pdf|xhtml\+xml|vnd\.openxmlformats-officedocument\.wordprocessingml\.document)$/.test(
    mimeType,
  )
