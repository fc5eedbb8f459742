import { describe, expect, test } from 'vitest'
import { addressOf, looksEndless } from '../../src/knowledge/origins/addresses.ts'
import { isWanted, matches } from '../../src/knowledge/origins/matches.ts'
import { parseRobots } from '../../src/knowledge/origins/robots.ts'
import { readSitemap } from '../../src/knowledge/origins/sitemaps.ts'
import { readWebPage } from '../../src/providers/webPage.ts'

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
    expect(readSitemap(of('urlset'))).toEqual({ pages: ['https://a.example/?a=1&b=2'], maps: [] })
    expect(readSitemap(of('sitemapindex'))).toEqual({ pages: [], maps: ['https://a.example/?a=1&b=2'] })
  })
})
