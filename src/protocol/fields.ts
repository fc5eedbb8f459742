import { z } from 'zod'

/**
 * An id. A UUID may be written in either case, and databases take both for one; what is compared as text or is part of a name (rooms, keys
 * of maps) does not. So from here on each has one spelling, the one it was given out in.
 */
export const idField = z.uuid({ error: 'must be an id' }).toLowerCase()

const line = (text: z.ZodString, max: number) =>
  text
    .min(1, 'must not be empty')
    .max(max, `must have at most ${max} characters`)
    .refine(value => !/\p{Cc}/u.test(value), 'must not contain control characters')

/** A line of text without control characters: they hide content from people and some cannot be stored. */
export const lineField = (max: number) => line(z.string().trim(), max)

/** Of several lines. Half a surrogate pair is no character, and control characters but for lines and tabs hide content from people. */
export const linesField = (max: number) =>
  z
    .string()
    .trim()
    .max(max, `must have at most ${max} characters`)
    .refine(
      value => !/[^\P{Cc}\t\n\r]/u.test(value) && value.isWellFormed(),
      'must be well-formed Unicode without control characters',
    )

/** A name that others gave, kept as it is: tidied up, two of theirs could become one. */
export const exactField = (max: number) =>
  line(z.string(), max).refine(value => value === value.trim(), 'must not begin or end with white space')

export const mostTags = 50
export const tagsField = z.array(lineField(50)).max(mostTags, `must have at most ${mostTags} tags`)
