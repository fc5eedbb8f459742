import { z } from 'zod'
import { idField, lineField, linesField } from './fields.ts'

/**
 * What a tenant settles about its widget, as the API takes it and as the pages that embed it are told. Each group of settings is an object whose
 * fields all have a default, so that `{}` is a widget that works.
 */

const url = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .max(2_000)
  .regex(/^\P{Cc}*$/u, 'must not contain control characters')
const paragraph = (max: number) => linesField(max).min(1, 'must not be empty')
const language = z
  .string()
  .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language such as en or pt-BR')
  .max(35)
/** Of fields of the form, and of proactive messages: so many there are, and so many are worth words of their own. */
const mostFields = 10
const mostRules = 20
const atMost = <Values extends z.ZodType<Record<string, unknown>>>(most: number, values: Values) =>
  values.refine(given => Object.keys(given).length <= most, `must have at most ${most} entries`)
const different = (names: readonly string[]) => new Set(names).size === names.length
const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'must be a short name of small letters, digits, - and _')
const colour = z.string().regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as #2f6f4f')
const pixels = z.int().min(0).max(400)
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time such as 09:00')

export const appearanceSchema = z.strictObject({
  /** The brand's colour; what is written on it is chosen so that it can be read. */
  accent: colour.default('#1f6f54'),
  scheme: z.enum(['auto', 'light', 'dark']).default('auto'),
  /** The corner, seen in the direction of the language. */
  position: z.enum(['end', 'start']).default('end'),
  logo: url.optional(),
})

export const launcherSchema = z.strictObject({
  icon: z.enum(['chat', 'question', 'smile']).default('chat'),
  /** Written beside the icon. */
  label: lineField(40).optional(),
  offset: z.strictObject({ side: pixels.default(20), bottom: pixels.default(20) }).prefault({}),
  /** Opened by the page alone, through `Parley('open')`. */
  hidden: z.boolean().default(false),
})

export const chatWindowSchema = z.strictObject({
  title: lineField(60).optional(),
  subtitle: lineField(120).optional(),
  /** Offered before the first message. */
  quickReplies: z.array(lineField(80)).max(6).default([]),
  emoji: z.boolean().default(true),
  attachments: z.boolean().default(true),
  rating: z.boolean().default(true),
  transcript: z.boolean().default(true),
})

export const ruleIdField = name

export const proactiveRuleSchema = z.strictObject({
  id: ruleIdField,
  message: paragraph(500),
  /** All that are given have to be true. */
  when: z
    .strictObject({
      /** Of the page's address, `*` for any characters: `https://shop.example/cart*`. */
      url: lineField(500).optional(),
      seconds: z.int().min(0).max(3_600).optional(),
      /** How much of the page was scrolled through, in per cent. */
      scroll: z.int().min(1).max(100).optional(),
      exitIntent: z.literal(true).optional(),
      /** One that the page tells by `Parley('track', name)`. */
      event: name.optional(),
    })
    .refine(when => Object.values(when).some(value => value !== undefined), 'needs at least one condition'),
  once: z.enum(['visit', 'visitor']).default('visitor'),
})

export const behaviourSchema = z.strictObject({
  /** When something is kept in the browser: after the visitor has done something in the widget, or from the first page on. */
  storage: z.enum(['interaction', 'always']).default('interaction'),
  /** Whether people and agents see which page a visitor is on: not at all, after the visitor or the page agreed, always. */
  pageContext: z.enum(['never', 'consent', 'always']).default('consent'),
  sound: z.boolean().default(true),
  /** Spoken where nothing else says which. */
  language: language.default('en'),
  proactive: z
    .array(proactiveRuleSchema)
    .max(mostRules)
    .default([])
    .refine(rules => different(rules.map(({ id }) => id)), 'must have different ids'),
})

export const formFieldSchema = z
  .strictObject({
    /** `name`, `email` and `phone` are the contact's own; any other becomes an attribute of the contact. */
    name,
    type: z.enum(['text', 'email', 'phone', 'select', 'paragraph', 'checkbox']).default('text'),
    /** Left out for `name`, `email` and `phone`, which every language has a word for. */
    label: lineField(80).optional(),
    options: z.array(lineField(80)).max(30).optional(),
    required: z.boolean().default(false),
  })
  .refine(({ type, options }) => (type === 'select') === (options !== undefined && options.length > 0), {
    path: ['options'],
    message: 'must be there for a field of the type select, and for no other',
  })

export const preChatFormSchema = z.strictObject({
  enabled: z.boolean().default(false),
  intro: paragraph(500).optional(),
  fields: z
    .array(formFieldSchema)
    .max(mostFields)
    .default([])
    .refine(fields => different(fields.map(field => field.name)), 'must have different names'),
  /** To be agreed to before the chat begins. */
  consent: z.strictObject({ text: paragraph(500), url: url.optional() }).optional(),
})

const opening = z
  .strictObject({ from: clockTime, to: clockTime })
  .refine(({ from, to }) => from < to, 'must end after it begins')
const day = z.array(opening).max(4).default([])

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

export const businessHoursSchema = z.strictObject({
  /** Off: people may answer at any time. */
  enabled: z.boolean().default(false),
  timezone: z.string().max(60).refine(isTimezone, 'must be a time zone such as Europe/Berlin').default('UTC'),
  week: z.strictObject({ mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: day }).prefault({}),
  /** Dates on which nobody is there, such as 2027-01-01. */
  closedOn: z.array(z.iso.date()).max(100).default([]),
  offlineMessage: paragraph(500).optional(),
})

function isTimezone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) !== undefined
  } catch {
    return false
  }
}

/** The tenant's own words in another language; what is left out stays as it was set above. */
export const ownWordsSchema = z.strictObject({
  title: lineField(60).optional(),
  subtitle: lineField(120).optional(),
  launcherLabel: lineField(40).optional(),
  welcome: paragraph(2_000).optional(),
  offlineMessage: paragraph(500).optional(),
  intro: paragraph(500).optional(),
  consent: paragraph(500).optional(),
  quickReplies: z.array(lineField(80)).max(6).optional(),
  /** By the name of a field of the form. */
  labels: atMost(mostFields, z.record(name, lineField(80))).optional(),
  /** By the id of a rule. */
  proactive: atMost(mostRules, z.record(name, paragraph(500))).optional(),
})

export const languageField = language

export const localeStringsSchema = atMost(60, z.record(language, ownWordsSchema))

/** What the launcher says and shows before the chat is there, in the language of the page that asks. */
export const spokenSchema = z.object({
  language: z.string(),
  direction: z.enum(['ltr', 'rtl']),
  chat: z.string(),
  unread: z.string(),
  dismiss: z.string(),
  unavailable: z.string(),
  label: z.string().nullable(),
  /** By the id of a rule. */
  proactive: z.record(z.string(), z.string()),
})

/** What a page that embeds a widget is told about it. */
export const widgetConfigSchema = z.object({
  id: idField,
  name: z.string(),
  appearance: appearanceSchema,
  launcher: launcherSchema,
  chatWindow: chatWindowSchema,
  behaviour: behaviourSchema,
  preChatForm: preChatFormSchema,
  /** Whether people answer now; when they begin to the next time, and when they cease to, where that is within two weeks. */
  hours: z.object({
    open: z.boolean(),
    opensAt: z.iso.datetime().nullable(),
    closesAt: z.iso.datetime().nullable(),
  }),
  offlineMessage: z.string().nullable(),
  ownWords: localeStringsSchema,
  spoken: spokenSchema,
  agent: z
    .object({ id: idField, name: z.string(), avatar: z.string().nullable(), welcome: z.string().nullable() })
    .nullable(),
  identityRequired: z.boolean(),
  files: z.object({ maxBytes: z.int(), types: z.array(z.string()) }),
})

export type WidgetConfig = z.output<typeof widgetConfigSchema>
export type ProactiveRule = z.output<typeof proactiveRuleSchema>
export type FormField = z.output<typeof formFieldSchema>
export type OwnWords = z.output<typeof ownWordsSchema>
export type BusinessHours = z.output<typeof businessHoursSchema>
