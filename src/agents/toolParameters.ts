import { z } from 'zod'

/**
 * The JSON schema of a tool's arguments, as far as tenants may use it: what every model understands, and nothing that a schema can keep the
 * checker busy with, such as patterns and references.
 */
export type ToolParameters = Record<string, unknown>

const types = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'] as const
const formats = ['date', 'time', 'date-time', 'email', 'uri', 'uuid'] as const
const count = z.number().int().min(0).max(100_000)
const scalar = z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()])

const propertyName = z.string().regex(/^(?!__)[a-zA-Z0-9_.-]{1,64}$/, 'must be a name such as order_id')

const keywords = () => ({
  title: z.string().max(200).optional(),
  description: z.string().max(2_000).optional(),
  default: scalar.optional(),
  enum: z.array(scalar).min(1).max(200).optional(),
  const: scalar.optional(),
  required: z.array(propertyName).max(50).optional(),
  properties: z.record(propertyName, node).optional(),
  additionalProperties: z.boolean().optional(),
  minProperties: count.optional(),
  maxProperties: count.optional(),
  items: node.optional(),
  minItems: count.optional(),
  maxItems: count.optional(),
  minLength: count.optional(),
  maxLength: count.optional(),
  format: z.enum(formats).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  exclusiveMinimum: z.number().optional(),
  exclusiveMaximum: z.number().optional(),
  anyOf: z.array(node).min(1).max(10).optional(),
})

const node: z.ZodType<ToolParameters> = z
  .lazy(() =>
    z.strictObject({
      type: z.union([z.enum(types), z.array(z.enum(types)).min(1).max(types.length)]).optional(),
      ...keywords(),
    }),
  )
  .meta({ id: 'ToolParameter' })

const maxBytes = 16_384
const maxDepth = 8

export const toolParametersField: z.ZodType<ToolParameters> = z
  .strictObject({ type: z.literal('object'), ...keywords() })
  .refine(schema => JSON.stringify(schema).length <= maxBytes, `must be at most ${maxBytes} bytes`)
  .refine(schema => depthOf(schema) <= maxDepth, `must be nested at most ${maxDepth} deep`)
  .refine(
    ({ required = [], properties = {} }) => required.every(name => Object.hasOwn(properties, name)),
    'must have a property for each that is required',
  )

function depthOf(schema: ToolParameters): number {
  const {
    properties = {},
    items,
    anyOf = [],
  } = schema as {
    properties?: Record<string, ToolParameters>
    items?: ToolParameters
    anyOf?: ToolParameters[]
  }
  const below = [...Object.values(properties), ...(items ? [items] : []), ...anyOf]
  return 1 + Math.max(0, ...below.map(depthOf))
}
