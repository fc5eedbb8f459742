import { describe, expect, test } from 'vitest'
import { addressOf, looksEndless } from '../../src/knowledge/origins/addresses.ts'
import { isWanted, matches } from '../../src/knowledge/origins/matches.ts'
import { readSite } from '../../src/knowledge/origins/readSite.ts'
import { parseRobots } from '../../src/knowledge/origins/robots.ts'
import { readSitemap } from '../../src/knowledge/origins/sitemaps.ts'
import type { SiteSettings } from '../../src/knowledge/sourceSettings.ts'
import type { Outgoing } from '../../src/providers/outgoing.ts'
import { readWebPage } from '../../src/providers/webPage.ts'
import { watchTurns } from '../support/watchTurns.ts'

const listed = (text: string) => {
  const { of, links } = readSitemap(text)
  return { of, links: [...links] }
}

describe('K2 what sites say to programs', () => {
  test('of robots.txt our group counts, and of its rules the longest that fits', () => {
    const robots = parseRobots(
      [
        'Sitemap: https://a.example/map.xml',
        'User-agent: *',
        'Disallow: /',
        '',
        'user-agent: PARLEY # ours',
        'Disallow: /shop',
        'Allow: /shop/open',
        'Disallow: /*.php$',
        'Disallow:',
        'Crawl-delay: 2.5',
      ].join('\r\n'),
      'parley',
    )
    const allowed = ['/', '/shopping?x', '/shop', '/shop/open/1', '/a.php', '/a.php?x'].map(path =>
      robots.allows(path),
    )
    expect(allowed).toEqual([true, false, false, true, false, true])
    expect(robots).toMatchObject({ delaySeconds: 2.5, sitemaps: ['https://a.example/map.xml'] })
    expect(parseRobots('User-agent: *\nDisallow: /', 'parley').allows('/a')).toBe(false)
    expect(parseRobots('User-agent: other\nDisallow: /', 'parley').allows('/a')).toBe(true)
    expect(parseRobots('<html>not found</html>', 'parley').allows('/a')).toBe(true)
  })

  test('of too many rules the first are heeded; one that is too long refuses what begins like it, and allows nothing', () => {
    const of = (...rules: string[]) => parseRobots(['User-agent: *', ...rules].join('\n'), 'parley')
    const many = of(...Array.from({ length: 1_001 }, (_, at) => `Disallow: /${at}/`))
    expect([many.allows('/999/'), many.allows('/1000/')]).toEqual([false, true])
    const long = `/${'a'.repeat(150)}$${'b'.repeat(150)}`
    expect(of(`Disallow: ${long}`).allows(long.slice(0, 199))).toBe(false)
    expect(of(`Disallow: ${long}`).allows(long.slice(0, 198))).toBe(true)
    expect(of('Disallow: /', `Allow: ${long}`).allows(long)).toBe(false)
  })

  test('patterns know one sign, and no pattern takes long', () => {
    expect(matches('docs/*.md', 'docs/a/b.md')).toBe(true)
    expect(matches('docs/*.md', 'docs/a/b.mdx')).toBe(false)
    expect(matches('a.c', 'abc')).toBe(false)
    expect(matches('*', '')).toBe(true)
    // A regular expression of this kind would not come back.
    expect(matches(`${'*a'.repeat(60)}b`, 'a'.repeat(2_000))).toBe(false)
    expect(isWanted({ include: [], exclude: ['/x*'] }, '/xy')).toBe(false)
    expect(isWanted({ include: ['/a*'], exclude: [] }, '/b')).toBe(false)
  })

  test('the time that a text of a site takes grows with its length only', () => {
    const blanks = ' '.repeat(2_000_000)
    const began = process.cpuUsage()
    expect(listed(`<urlset><loc>${blanks}`).links).toEqual([])
    expect(
      parseRobots(`User-agent: *\nDisallow:${blanks.slice(0, 400_000)}/a\u2028`, 'parley').sitemaps,
    ).toEqual([])
    expect(parseRobots(`Sitemap: a${blanks.slice(0, 400_000)}b`, 'parley').sitemaps).toHaveLength(1)
    expect(matches(`*${'a'.repeat(5_000)}b*`, 'a'.repeat(2_000_000))).toBe(false)
    const marks = Array.from({ length: 200_000 }, (_, at) => `utm_${at}`)
    expect(addressOf(`/a?${marks.join('&')}`, 'https://a.example/')).toBeUndefined()
    const { user, system } = process.cpuUsage(began)
    expect((user + system) / 1_000_000).toBeLessThan(2)
  })

  test('a page of many links, held against many rules, does not hold up anything else', async () => {
    const tail = 'a'.repeat(800)
    const rules = Array.from({ length: 100 }, (_, at) => `Disallow: /*${'a'.repeat(150)}${at}`)
    const links = Array.from({ length: 500 }, (_, at) => `<a href="/${at}/${tail}">a</a>`)
    const site: Record<string, string> = {
      '/robots.txt': `User-agent: *\n${rules.join('\n')}`,
      '/': `<!doctype html>${links.join('')}`,
    }
    const fetch: Outgoing['fetch'] = async address => {
      const response = new Response(site[new URL(address).pathname], {
        headers: { 'content-type': 'text/html' },
      })
      return Object.defineProperty(response, 'url', { value: String(address) })
    }
    const patterns = Array.from({ length: 50 }, (_, at) => `/*${'a'.repeat(150)}${at}`)
    const settings: SiteSettings = {
      ...{ mode: 'site', maxPages: 1_000, maxDepth: 3, maxSeconds: 600, include: [], exclude: patterns },
    }
    const parts = {
      outgoing: { fetch, refusal: () => undefined },
      readWebPage,
      limits: { file: 10_000_000, pages: 1_000 },
    }
    const finding = readSite(parts, { url: 'https://a.example/', settings }, new AbortController().signal)
    const watch = watchTurns()
    const found = await finding.next()
    const { longest, turns } = watch.end()
    expect(found.value).toMatchObject({ kind: 'document', total: 501 })
    expect(turns).toBeGreaterThan(10)
    expect(longest).toBeLessThan(250)
  })

  test('an address is written in one way, and only one of the web is one', () => {
    expect(addressOf('../b?utm_source=mail&x=1#top', 'https://A.example/a/c/')).toBe(
      'https://a.example/a/b?x=1',
    )
    for (const link of [
      'mailto:a@b.example',
      'javascript:alert(1)',
      'https://me:word@a.example/',
      'http://',
      'data:,x',
    ])
      expect(addressOf(link, 'https://a.example/'), link).toBeUndefined()
    expect(looksEndless(new URL('https://a.example/a/b/a/b/a/b'))).toBe(false)
    expect(looksEndless(new URL('https://a.example/sub/x/sub/x/sub/x'))).toBe(true)
    expect(looksEndless(new URL(`https://a.example/${'x/'.repeat(30)}`))).toBe(true)
  })

  test('of a page its links are taken that may be followed, and its wishes', () => {
    const page = readWebPage(
      `<base href="/docs/"><meta name="ROBOTS" content="NoIndex, nofollow"><a href="a">a</a><a href=b rel="ugc nofollow">b</a>
       <area href="c"><link rel="next" href="d"><link rel="stylesheet" href="e"><a name="f">f</a><!-- <a href="g"> --><script>"<a href='h'>"</script>`,
    )
    expect(page).toEqual({ links: ['a', 'c', 'd'], base: '/docs/', robots: ['noindex', 'nofollow'] })
  })

  test('a sitemap lists pages or sitemaps', () => {
    const of = (name: string) =>
      `<?xml version="1.0"?><${name}><x><loc> https://a.example/?a=1&amp;b=2 </loc></x></${name}>`
    expect(listed(of('urlset'))).toEqual({ of: 'pages', links: ['https://a.example/?a=1&b=2'] })
    expect(listed(of('sitemapindex'))).toEqual({ of: 'maps', links: ['https://a.example/?a=1&b=2'] })
    const odd = '<urlset><loc>a</loc><loc>\n</loc><loc><b/></loc><loc><loc>b</loc><loc>c'
    expect(listed(odd).links).toEqual(['a', 'b'])
  })
})
