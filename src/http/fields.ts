import { z } from 'zod'

import { idField } from '../protocol/index.ts'

export { exactField, idField, lineField, tagsField } from '../protocol/index.ts'

/** The small schemas that requests are made of, so that a name or an address means the same everywhere. */

export const idParams = z.strictObject({ id: idField })

export const textField = (max: number) =>
  z
    .string()
    .max(max, `must have at most ${max} characters`)
    .refine(text => !text.includes('\u0000'), 'must not contain NUL characters')

export const emailField = z
  .string()
  .trim()
  .toLowerCase()
  .max(254, 'must have at most 254 characters')
  .pipe(z.email({ error: 'must be an e-mail address' }))

/** A whole number in an address. Decimal digits alone: what else JavaScript takes for a number (0x10, 5e1, a space) is a mistake. */
export function countField(min: number, max?: number) {
  const whole = z.coerce.number({ error: 'must be a whole number' }).int().min(min)
  return z.preprocess(
    text => (typeof text !== 'string' || /^\d+$/.test(text) ? text : Number.NaN),
    max === undefined ? whole : whole.max(max),
  )
}

export const slugField = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/,
    'must be 2 to 63 lower-case letters, digits and inner hyphens',
  )
  .meta({ examples: ['acme'] })

/** Named, so that its recursion has a place in the API's description. */
const jsonValue: z.ZodType<z.core.util.JSONType> = z
  .union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(z.lazy(() => jsonValue)),
    z.record(
      z.string(),
      z.lazy(() => jsonValue),
    ),
  ])
  .meta({ id: 'Json' })

/** Free-form settings of a client: any JSON object up to a size. */
export const objectField = (maxBytes = 16_384) =>
  z
    .record(z.string().max(200), jsonValue)
    .refine(
      value => Buffer.byteLength(JSON.stringify(value)) <= maxBytes,
      `must be at most ${maxBytes} bytes`,
    )
    .refine(value => !JSON.stringify(value).includes('\\u0000'), 'must not contain NUL characters')

export const momentField = z.iso.datetime({
  offset: true,
  error: 'must be a date and time such as 2030-01-31T12:00:00Z',
})

/** A parsed patch for a store: a field that is absent stays as it is, because drizzle leaves undefined out. */
export const given = <Input extends object>(input: Input) =>
  input as { [Key in keyof Input]: Exclude<Input[Key], undefined> }
