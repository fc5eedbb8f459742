const longest = 2_000
/** Before what tells of readers is taken out of it, name by name. */
const longestLink = 2 * longest

/** What tells where a reader came from, and which reader it is; the page is the same. */
const ofReaders =
  /^(utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|_ga|sid|phpsessid|jsessionid|sessionid|session_id)$/i

/** One way of writing for each address, or undefined for what is none of the web. */
export function addressOf(link: string, base?: string): string | undefined {
  if (link.length > longestLink || !URL.canParse(link, base)) return undefined
  const url = new URL(link, base)
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username || url.password)
    return undefined
  url.hash = ''
  for (const name of [...url.searchParams.keys()]) if (ofReaders.test(name)) url.searchParams.delete(name)
  return url.href.length <= longest ? url.href : undefined
}

const mostSegments = 16
const mostRepeats = 3
const mostParameters = 6

/** Sites that make up addresses without end repeat parts of them, or pile them up. */
export function looksEndless({ pathname, searchParams }: URL): boolean {
  const segments = pathname.split('/').filter(Boolean)
  if (segments.length > mostSegments || searchParams.size > mostParameters) return true
  return segments.some(
    segment => segments.filter(other => other === segment).length >= mostRepeats && segment.length > 1,
  )
}

export const pathOf = ({ pathname, search }: URL): string => pathname + search
