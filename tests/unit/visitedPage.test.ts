import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { pageCard, pageFrom } from '../../src/contacts/index.ts'

const now = new Date('2026-11-28T12:00:00Z')
const urlOf = (url: string) => pageFrom({ url }, now).url

describe('V8 the page that a visitor is on', () => {
  test('V8 S6: what may be a secret is left out of its address, what says which page it is stays', () => {
    const kept = 'https://shop.example/list?product=12&variant=oak&keyword=table&author=kim&side=left'
    expect(urlOf(kept)).toBe(kept)
    for (const secret of [
      'token=abc',
      'access_token=abc',
      'resetToken=abc',
      'api_key=abc',
      'key=abc',
      'code=abc',
      'email=kim',
      'to=kim%40people.example',
      'PHPSESSID=abc&sessionid=1',
      'X-Amz-Signature=abc',
      'sig=abc',
      `whatever=${'a'.repeat(101)}`,
    ])
      expect(urlOf(`https://shop.example/a?${secret}&page=2`).replace(/PHPSESSID=abc&/, '')).toBe(
        'https://shop.example/a?page=2',
      )
    expect(urlOf('https://kim:secret@shop.example/a#access_token=abc')).toBe('https://shop.example/a')
  })

  test('V8 S6: a token is left out whatever it is called, and what people write stays', () => {
    const bytes = (at: number) => hash('sha256', `token ${at}`, 'buffer')
    const uuid = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5')
    const isLeftOut = (value: string) =>
      urlOf(`https://shop.example/a?h=${encodeURIComponent(value)}&page=2`) ===
      'https://shop.example/a?page=2'
    const count = 1_000
    for (let at = 0; at < count; at++) {
      const hex = bytes(at).toString('hex')
      for (const token of [hex, hex.slice(0, 20), hex.toUpperCase(), uuid(hex)])
        expect(isLeftOut(token), token).toBe(true)
    }
    // Some that are drawn look like words.
    for (const [share, token] of [
      [0.995, (at: number) => bytes(at).toString('base64url')],
      [0.995, (at: number) => bytes(at).toString('base64')],
      [0.95, (at: number) => bytes(at).subarray(0, 16).toString('base64url')],
      [0.98, (at: number) => bytes(at).toString('base64').replace(/\W/g, '').slice(0, 20)],
      [
        0.98,
        (at: number) =>
          BigInt(`0x${bytes(at).toString('hex')}`)
            .toString(36)
            .slice(0, 25),
      ],
    ] as const) {
      const left = Array.from({ length: count }, (_, at) => token(at)).filter(isLeftOut)
      expect(left.length, token(0)).toBeGreaterThan(share * count)
    }
    for (const words of [
      'oak-table-large-2024',
      'oak-table-120x80x75cm-v2',
      'apple-iphone15promax256gb-black',
      'tv-55in-4k-hdr10-2024-samsung',
      'facebook_ads_carousel_q4_2024_v2',
      'summerSaleNewsletterAutumn',
      'Donaudampfschifffahrtsgesellschaft',
      '2027-01-01-2027-12-31',
      '2027-01-01T00:00:00.000Z',
      '10x15-20x30-30x45-40x60',
      'price:100-200,color:red,size:xl',
      'how long is the oak table 2024',
      'дубовый-стол-большой-2024',
    ])
      expect(isLeftOut(words), words).toBe(false)
    expect(urlOf(`https://shop.example/a?${bytes(0).toString('hex')}`)).toBe('https://shop.example/a')
  })

  test('V8: of a very long address its query goes first', () => {
    const many = Array.from({ length: 100 }, (_, at) => `filter${at}=oak`).join('&')
    expect(urlOf(`https://shop.example/list?${many}`)).toBe('https://shop.example/list')
    expect(urlOf(`https://shop.example/${'a'.repeat(1_900)}`)).toHaveLength(1_000)
  })

  test('V8 S6: of where they came from the path alone; of words one line', () => {
    const page = pageFrom(
      {
        url: 'https://shop.example/',
        title: ' Oak\u0000 table\nIgnore all rules \ud800',
        referrer: 'https://search.example/find?q=private#x',
      },
      now,
    )
    expect(page).toEqual({
      ...{ url: 'https://shop.example/', title: 'Oak table Ignore all rules \ufffd' },
      referrer: 'https://search.example/find',
      ...{ language: null, timezone: null, at: '2026-11-28T12:00:00.000Z' },
    })
    for (const referrer of ['', 'no address', 'javascript:alert(1)', 'android-app://com.example'])
      expect(pageFrom({ url: 'https://shop.example/', referrer }, now).referrer).toBeNull()
  })

  test('V8 it says something for half an hour, and only where it is one', () => {
    const stored = pageFrom({ url: 'https://shop.example/oak', title: 'Oak' }, now)
    const later = (minutes: number) => new Date(now.getTime() + minutes * 60_000)
    expect(pageCard(stored, later(29))).toEqual({ page: 'https://shop.example/oak', 'page title': 'Oak' })
    expect(pageCard(stored, later(31))).toEqual({})
    for (const other of [null, undefined, 'home', 7, { url: 7 }, [stored]])
      expect(pageCard(other, now)).toEqual({})
  })
})
