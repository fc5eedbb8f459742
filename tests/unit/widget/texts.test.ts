import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { chooseLanguage, wordsOf } from '../../../widget/app/state/words.ts'
import english, { type Plural, type Texts } from '../../../widget/texts/en.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'widget', 'texts')
const tags = readdirSync(folder).map(name => name.replace('.ts', ''))
const textsOf = async (tag: string): Promise<Texts> => (await import(join(folder, `${tag}.ts`))).default

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()
const isPlural = (text: string | Plural): text is Plural => typeof text !== 'string'

test('V7: there are at least twelve languages beside English', () => {
  expect(tags.length).toBeGreaterThan(12)
  expect(tags).toEqual(expect.arrayContaining(['ar', 'he', 'de', 'pt-BR', 'zh-Hans']))
})

describe('V7: every text is there, with what is filled in and every plural form:', () => {
  test.each(tags)('%s', async tag => {
    const texts = await textsOf(tag)
    expect(Object.keys(texts).sort()).toEqual(Object.keys(english).sort())
    const { pluralCategories } = new Intl.PluralRules(tag).resolvedOptions()
    for (const [key, source] of Object.entries(english) as [keyof Texts, string | Plural][]) {
      const text: string | Plural = texts[key]
      expect(isPlural(text), key).toBe(isPlural(source))
      if (!isPlural(text)) {
        expect(placeholders(text), key).toEqual(placeholders(source as string))
        expect(text.trim(), key).toBe(text)
        expect(text, key).not.toBe('')
        continue
      }
      expect(Object.keys(text).sort(), key).toEqual([...pluralCategories].sort())
      // A form for exactly one, two or none may say it in words.
      for (const form of [text.other, text.few, text.many])
        if (form !== undefined) expect(placeholders(form), key).toEqual(['count'])
    }
  })
})

test('V7: plurals, numbers and dates follow the language', async () => {
  const polish = wordsOf('pl', await textsOf('pl'))
  expect(polish('left', { count: 1 })).toBe('Został 1 znak')
  expect(polish('left', { count: 3 })).toBe('Zostały 3 znaki')
  expect(polish('left', { count: 5 })).toBe('Zostało 5 znaków')
  const german = wordsOf('de-DE', await textsOf('de'))
  expect(german('tooLong', { count: 1_200 })).toBe('1.200 Zeichen zu viel')
  expect(german.day(new Date().toISOString())).toBe('Heute')
  expect(german.size(2_500_000)).toBe('2,5 MB')
  expect(wordsOf('ar', await textsOf('ar')).rtl).toBe(true)
  expect(german.rtl).toBe(false)
})

test('V7: explicit comes before page, browser and tenant; what is not spoken is passed over', () => {
  expect(chooseLanguage(['de', 'fr', 'es'], [])).toBe('de')
  expect(chooseLanguage([undefined, 'fr', 'es'], [])).toBe('fr')
  expect(chooseLanguage(['xx', '', 'not a tag', 'es'], [])).toBe('es')
  expect(chooseLanguage(['tlh'], [])).toBe('en')
  expect(chooseLanguage(['pt-PT'], [])).toBe('pt-PT')
  // Where only the language was said, dates are those of the visitor's own region.
  expect(chooseLanguage(['en'], ['de-DE', 'en-GB'])).toBe('en-GB')
})
