import { z } from 'zod'

/** What one message may hold. Sizes are counted in UTF-16 units, as every client language can count them. */
export const partLimits = { parts: 10, text: 8_000 } as const

/** PostgreSQL stores no NUL, and half a surrogate pair is no character. */
const words = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine(value => !value.includes('\0') && value.isWellFormed(), 'must be well-formed Unicode without NUL')

const name = words(255)
const text = words(partLimits.text)

export const partSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text }),
  z.strictObject({ type: z.literal('image'), fileId: z.uuid(), name: name.optional() }),
  z.strictObject({ type: z.literal('file'), fileId: z.uuid(), name: name.optional() }),
])

export const partsSchema = z.array(partSchema).min(1).max(partLimits.parts)

export type Part = z.output<typeof partSchema>
