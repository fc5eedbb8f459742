import type { z } from 'zod'
import {
  appearanceSchema,
  behaviourSchema,
  businessHoursSchema,
  chatWindowSchema,
  launcherSchema,
  localeStringsSchema,
  preChatFormSchema,
} from '../protocol/index.ts'

/** What a tenant settles about a widget, by its columns. `{}` is right for each of them. */
export const settingsSchemas = {
  appearance: appearanceSchema,
  behaviour: behaviourSchema,
  launcher: launcherSchema,
  chatWindow: chatWindowSchema,
  preChatForm: preChatFormSchema,
  businessHours: businessHoursSchema,
  localeStrings: localeStringsSchema,
} as const

type Schemas = typeof settingsSchemas
type Group = keyof Schemas
export type WidgetSettings = { -readonly [Name in Group]: z.output<Schemas[Name]> }
export type StoredSettings = Readonly<Record<Group, Record<string, unknown>>>

/** What is stored, with everything that was never said. */
export const settingsOf = (stored: StoredSettings): WidgetSettings => ({
  appearance: settled(appearanceSchema, stored.appearance),
  behaviour: settled(behaviourSchema, stored.behaviour),
  launcher: settled(launcherSchema, stored.launcher),
  chatWindow: settled(chatWindowSchema, stored.chatWindow),
  preChatForm: settled(preChatFormSchema, stored.preChatForm),
  businessHours: settled(businessHoursSchema, stored.businessHours),
  localeStrings: settled(localeStringsSchema, stored.localeStrings),
})

/** Settings were free-form once, and another version may have written others: what is not understood counts as not said, the rest stays. */
function settled<Schema extends z.ZodType>(
  schema: Schema,
  stored: Readonly<Record<string, unknown>>,
): z.output<Schema> {
  const whole = schema.safeParse(stored)
  if (whole.success) return whole.data
  const strange = new Set(whole.error.issues.flatMap(strangeIn))
  const rest = Object.entries(stored).filter(([name]) => !strange.has(name))
  const understood = schema.safeParse(Object.fromEntries(rest))
  return understood.success ? understood.data : schema.parse({})
}

const strangeIn = (issue: z.core.$ZodIssue): string[] => {
  const [field] = issue.path
  if (field !== undefined) return [String(field)]
  return issue.code === 'unrecognized_keys' ? issue.keys : []
}
