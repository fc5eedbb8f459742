import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { behaviourSchema, launcherSchema } from '../../../src/protocol/index.ts'
import { spokenLanguages, spokenTo } from '../../../src/widgets/spoken.ts'
import { keepTo } from '../../../widget/bundle.ts'
import { writtenOn } from '../../../widget/loader/contrast.ts'
import { covers, holds, type Seen } from '../../../widget/teaser/rules.ts'

describe('V8: when a proactive rule speaks', () => {
  test.each([
    ['https://shop.example/cart', 'https://shop.example/cart', true],
    ['https://shop.example/cart', 'https://shop.example/cart?x=1', false],
    ['https://shop.example/cart*', 'https://shop.example/cart?x=1', true],
    ['*', 'https://shop.example/', true],
    ['*/cart', 'https://shop.example/de/cart', true],
    ['*/cart', 'https://shop.example/de/cart/2', false],
    ['https://*.example/a*b*c', 'https://x.example/aXbYc', true],
    ['https://*.example/a*b*c', 'https://x.example/aXcYb', false],
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['https://shop.example/(a+)+$', 'https://shop.example/aaaa', false],
  ])('%s covers %s: %s', (pattern, url, expected) => {
    expect(covers(pattern, url)).toBe(expected)
  })

  test('a pattern means the same as the regular expression it stands for, and is quick where that is not', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 3 })
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 5 }), piece, piece, (pieces, left, right) => {
        const expression = new RegExp(`^${pieces.map(text => text.replaceAll('.', '\\.')).join('.*')}$`)
        for (const url of [pieces.join(left), pieces.join(right), left + right, pieces.join('')])
          expect(covers(pieces.join('*'), url)).toBe(expression.test(url))
      }),
    )
    const began = performance.now()
    expect(covers(`${'*a'.repeat(200)}b`, 'a'.repeat(50_000))).toBe(false)
    expect(performance.now() - began).toBeLessThan(1_000)
  })

  const seen: Seen = {
    url: 'https://shop.example/',
    seconds: 10,
    scrolled: 50,
    leaving: true,
    events: ['added'],
  }

  test('all conditions that are given have to be true', () => {
    const when = { url: '*shop*', seconds: 10, scroll: 50, exitIntent: true, event: 'added' } as const
    expect(holds(when, seen)).toBe(true)
    expect(holds(when, { ...seen, url: 'https://other.example/' })).toBe(false)
    expect(holds(when, { ...seen, seconds: 9 })).toBe(false)
    expect(holds(when, { ...seen, scrolled: 49 })).toBe(false)
    expect(holds(when, { ...seen, leaving: false })).toBe(false)
    expect(holds(when, { ...seen, events: ['removed'] })).toBe(false)
    expect(holds({ seconds: 0 }, { ...seen, leaving: false, events: [] })).toBe(true)
  })
})

describe('V7: the language of the launcher', () => {
  const settings = (language: string, ownWords = {}) => ({
    behaviour: behaviourSchema.parse({
      language,
      proactive: [{ id: 'hello', message: 'Hello?', when: { seconds: 1 } }],
    }),
    launcher: launcherSchema.parse({ label: 'Ask us' }),
    ownWords,
  })

  test('is the first that is spoken of those the page names, then the one of the tenant, then English', () => {
    const languageOf = (wanted: string[], tenant = 'it') => spokenTo(wanted, settings(tenant)).language
    expect(languageOf(['de-AT', 'fr'])).toBe('de-AT')
    expect(languageOf(['tlh', 'fr', 'de'])).toBe('fr')
    expect(languageOf(['', 'tlh', 'constructor', '__proto__', 'x'.repeat(1_000)])).toBe('it')
    expect(languageOf(['tlh'], 'tlh')).toBe('en')
  })

  test('has the words of its main part, its direction, and the tenant’s own words', () => {
    const own = {
      ar: { launcherLabel: 'اسألنا', proactive: { hello: 'مرحبا؟' } },
      'de-CH': { launcherLabel: 'Grüezi' },
    }
    expect(spokenTo(['ar-EG'], settings('en', own))).toMatchObject({
      direction: 'rtl',
      chat: 'محادثة',
      label: 'اسألنا',
      proactive: { hello: 'مرحبا؟' },
    })
    expect(spokenTo(['de'], settings('en', own))).toMatchObject({
      direction: 'ltr',
      label: 'Grüezi',
      dismiss: 'Ausblenden',
    })
    expect(spokenTo(['fr'], settings('en', own))).toMatchObject({
      label: 'Ask us',
      proactive: { hello: 'Hello?' },
    })
  })

  test('is one of sixteen, in each of which every word is there', () => {
    expect(spokenLanguages.length).toBeGreaterThanOrEqual(12)
    for (const language of spokenLanguages) {
      const { chat, unread, dismiss, unavailable } = spokenTo([language], settings('en'))
      for (const word of [chat, unread, dismiss, unavailable]) expect(word, language).toMatch(/\S/)
    }
  })
})

describe('V7: what is written on the brand’s colour', () => {
  /** As WCAG 2.2 defines it. */
  const luminance = (colour: string): number => {
    const channel = (at: number) => {
      const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    }
    return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
  }

  test('has a contrast of 4.5 to 1 on every colour', () => {
    const colour = fc
      .integer({ min: 0, max: 0xffffff })
      .map(value => `#${value.toString(16).padStart(6, '0')}`)
    const check = (accent: string) => {
      const light = luminance(accent)
      const ratio = writtenOn(accent) === '#fff' ? 1.05 / (light + 0.05) : (light + 0.05) / 0.05
      expect(ratio, accent).toBeGreaterThanOrEqual(4.5)
    }
    fc.assert(fc.property(colour, check), { numRuns: 2_000 })
    // Where black and white are about as good.
    for (let grey = 0x60; grey < 0x90; grey++) check(`#${grey.toString(16).repeat(3)}`)
    expect([writtenOn('#ffffff'), writtenOn('#000000')]).toEqual(['#000', '#fff'])
  })
})

test('V1: a build that has grown beyond its budget fails, and says by how much', () => {
  const within = { what: 'loader', bytes: 4_096, most: 4_096 }
  expect(() => keepTo([within])).not.toThrow()
  expect(() => keepTo([within, { what: 'app', bytes: 41_000, most: 40_960 }])).toThrow(
    'The app has 41000 bytes (gzip), 40 more than its budget of 40960.',
  )
})
