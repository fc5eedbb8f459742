import type { OwnWords, WidgetConfig } from '../../../src/protocol/index.ts'
import type { TextKey, Texts } from '../../texts/en.ts'
import { insist } from '../insist.ts'

type Values = Readonly<Record<string, string | number>>

/** Everything that is said in one language, and how it is said there. */
export interface Words {
  readonly tag: string
  readonly rtl: boolean
  /** Plural forms are chosen by `count`. */
  (key: TextKey, values?: Values): string
  /** The tenant's own words. */
  readonly own: OwnWords
  time(moment: string): string
  day(moment: string): string
  soon(moment: string): string
  size(bytes: number): string
  percent(share: number): string
}

const languages: Readonly<Record<string, () => Promise<{ default: Texts }>>> = {
  en: insist(() => import('../../texts/en.ts')),
  de: insist(() => import('../../texts/de.ts')),
  fr: insist(() => import('../../texts/fr.ts')),
  es: insist(() => import('../../texts/es.ts')),
  it: insist(() => import('../../texts/it.ts')),
  pt: insist(() => import('../../texts/pt-BR.ts')),
  nl: insist(() => import('../../texts/nl.ts')),
  pl: insist(() => import('../../texts/pl.ts')),
  tr: insist(() => import('../../texts/tr.ts')),
  ru: insist(() => import('../../texts/ru.ts')),
  uk: insist(() => import('../../texts/uk.ts')),
  ar: insist(() => import('../../texts/ar.ts')),
  he: insist(() => import('../../texts/he.ts')),
  ja: insist(() => import('../../texts/ja.ts')),
  zh: insist(() => import('../../texts/zh-Hans.ts')),
  ko: insist(() => import('../../texts/ko.ts')),
}

const base = (tag: string): string => (tag.split('-')[0] ?? '').toLowerCase().replace(/^iw$/, 'he')

/** The first that is spoken here; in the visitor's own region where only the language was said, for its dates and numbers. */
export function chooseLanguage(
  wanted: readonly (string | null | undefined)[],
  own = navigator.languages,
): string {
  const isSpoken = (tag: string | null | undefined): tag is string =>
    !!tag && isTag(tag) && Object.hasOwn(languages, base(tag))
  const chosen = wanted.find(isSpoken) ?? 'en'
  return (chosen.includes('-') ? undefined : own.find(tag => base(tag) === chosen)) ?? chosen
}

/** Explicit, page, browser, tenant. */
export const wantedLanguages = (explicit: string | undefined, config: WidgetConfig) => [
  explicit,
  document.documentElement.lang,
  ...navigator.languages,
  config.behaviour.language,
]

function isTag(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0
  } catch {
    return false
  }
}

export async function loadWords(tag: string, config: WidgetConfig): Promise<Words> {
  const load = languages[base(tag)] ?? languages.en
  const texts = (await load?.())?.default
  if (!texts) throw new Error(`no texts for ${tag}`)
  return wordsOf(tag, texts, ownWords(tag, config))
}

function ownWords(tag: string, { ownWords, behaviour }: WidgetConfig): OwnWords {
  const names = Object.keys(ownWords)
  const name = names.find(one => one === tag) ?? names.find(one => base(one) === base(tag))
  return (name && ownWords[name]) || (name === behaviour.language && ownWords[name]) || {}
}

export function wordsOf(tag: string, texts: Texts, own: OwnWords = {}): Words {
  const plurals = new Intl.PluralRules(tag)
  const numbers = new Intl.NumberFormat(tag)
  const format = (options: Intl.DateTimeFormatOptions) => {
    const made = new Intl.DateTimeFormat(tag, options)
    return (moment: string | Date) => made.format(new Date(moment))
  }
  const time = format({ timeStyle: 'short' })
  const date = format({ weekday: 'long', day: 'numeric', month: 'long' })
  const oldDate = format({ dateStyle: 'long' })
  const say = (key: TextKey, values: Values = {}): string => {
    const text = texts[key]
    const form = typeof text === 'string' ? text : text[plurals.select(Number(values.count))]
    return (form ?? (text as { other: string }).other).replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name]
      return typeof value === 'number' ? numbers.format(value) : (value ?? '')
    })
  }
  const daysAgo = (moment: string) => Math.round((midnight(new Date()) - midnight(new Date(moment))) / 864e5)
  const day = (moment: string) => {
    const ago = daysAgo(moment)
    if (ago === 0) return say('today')
    if (ago === 1) return say('yesterday')
    return Math.abs(ago) < 180 ? date(moment) : oldDate(moment)
  }
  const unit = (bytes: number, name: string) =>
    new Intl.NumberFormat(tag, { style: 'unit', unit: name, maximumFractionDigits: 1 }).format(bytes)
  return Object.assign(say, {
    ...{ tag, own, time, day, rtl: /^(ar|he|fa|ur)\b/i.test(base(tag)) },
    soon: (moment: string) => (daysAgo(moment) === 0 ? time(moment) : `${date(moment)}, ${time(moment)}`),
    size: (bytes: number) =>
      bytes < 1e6 ? unit(Math.max(1, Math.round(bytes / 1e3)), 'kilobyte') : unit(bytes / 1e6, 'megabyte'),
    percent: (share: number) => new Intl.NumberFormat(tag, { style: 'percent' }).format(share),
  })
}

const midnight = (moment: Date): number => moment.setHours(0, 0, 0, 0)
