import { z } from 'zod'
import { Secret } from './kernel/index.ts'

/** The kinds of values that settings have. */

export const secret = (inner: z.ZodType<string, string> = z.string()) =>
  inner.transform(value => new Secret(value))
export const whole = (min: number, max: number) =>
  z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(min).max(max))
export const flag = z.enum(['true', 'false']).transform(value => value === 'true')
export const webAddress = z
  .string()
  .refine(
    text => /^https?:\/\/[^\s/?#]+\/*$/.test(text) && URL.canParse(text),
    'must be an http:// or https:// address without path or query',
  )
export const serviceAddress = z
  .string()
  .refine(
    text => /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/.test(text) && URL.canParse(text),
    'must be an http:// or https:// address without login and query',
  )
export const modelName = z.string().regex(/^[^\s\p{C}]{1,200}$/u, 'must be the name of a model')
export const address = (scheme: RegExp, example: string) =>
  z.url({ protocol: scheme, error: `must be an address such as ${example}` })

export const price = z.number('must be a number').min(0).max(1_000_000)
export const priceList = z.record(
  z.string().min(1),
  z.strictObject({
    input: price.optional(),
    output: price.optional(),
    embedding: price.optional(),
    rerank: price.optional(),
  }),
)
export const json = <Schema extends z.ZodType>(schema: Schema, example: string) =>
  z.string().transform((text, context): z.output<Schema> => {
    try {
      return schema.parse(JSON.parse(text))
    } catch {
      context.addIssue(`must be JSON such as ${example}`)
      return z.NEVER
    }
  })
export const prices = json(priceList, '{"a-model": {"input": 0.5, "output": 2}}, with prices from 0')

export const listOf = (text: string): string[] =>
  text
    .split(',')
    .map(entry => entry.trim().toLowerCase())
    .filter(Boolean)
