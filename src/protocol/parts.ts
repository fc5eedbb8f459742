import { z } from 'zod'
import { idField } from './fields.ts'

/** What one message may hold. Sizes are counted in UTF-16 units, as every client language can count them. */
export const partLimits = { parts: 10, text: 8_000 } as const

/** Half a surrogate pair is no character; control characters hide content from people, and PostgreSQL stores no NUL. */
const words = (max: number, control: RegExp) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine(
      value => !control.test(value) && value.isWellFormed(),
      'must be well-formed Unicode without control characters',
    )

const name = words(255, /\p{Cc}/u)
/** Lines and tabs are part of what people write and paste. */
const text = words(partLimits.text, /[^\P{Cc}\t\n\r]/u)

export const partSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text }),
  z.strictObject({ type: z.literal('image'), fileId: idField, name: name.optional() }),
  z.strictObject({ type: z.literal('file'), fileId: idField, name: name.optional() }),
])

export const partsSchema = z.array(partSchema).min(1).max(partLimits.parts)

export type Part = z.output<typeof partSchema>
