import fc from 'fast-check'
import { z } from 'zod'
import { type CommandName, commands } from '../../src/protocol/index.ts'

/** Ids that mean something in the world that is tried, by the field they belong into. */
export interface KnownIds {
  readonly conversationId: readonly string[]
  readonly messageId: readonly string[]
  readonly parentId: readonly string[]
  readonly fileId: readonly string[]
}

/** Values that have broken programs before, beside arbitrary ones. */
export const nasty: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, false, 0, -0, -1, 1.5, 1e308, 2 ** 53, -(2 ** 63), '', ' ', '\u0000', '\ud800', '🦁'],
    ...[
      '__proto__',
      'constructor',
      'toString',
      "'",
      '%00',
      '{}',
      '[]',
      'x'.repeat(9_000),
      [],
      {},
      [[]],
      [null],
    ],
    ...['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', { length: 1 }],
    JSON.parse('{"__proto__":{"polluted":1}}'),
    { constructor: { prototype: { polluted: 1 } } },
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer(),
  fc.double(),
  fc.jsonValue({ maxDepth: 4 }),
)

type Schema = Readonly<Record<string, unknown>>

/** What a schema takes, as far as JSON Schema says; the rest is what the fuzz is for. */
function taken(schema: Schema, ids: KnownIds, field = ''): fc.Arbitrary<unknown> {
  const { type, enum: values, const: only, properties, items, anyOf, oneOf, format, required = [] } = schema
  if (only !== undefined) return fc.constant(only)
  if (Array.isArray(values)) return fc.constantFrom(...values)
  const either = (anyOf ?? oneOf) as Schema[] | undefined
  if (either) return fc.oneof(...either.map(one => taken(one, ids, field)))
  if (properties) {
    const fields = Object.entries(properties as Record<string, Schema>)
    return fc.record(Object.fromEntries(fields.map(([name, inner]) => [name, taken(inner, ids, name)])), {
      requiredKeys: required as string[],
    })
  }
  if (type === 'array') return fc.array(taken((items ?? {}) as Schema, ids), { minLength: 1, maxLength: 3 })
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer' || type === 'number') return fc.integer({ min: 0, max: 200 })
  if (format === 'uuid') {
    const known = Object.hasOwn(ids, field) ? ids[field as keyof KnownIds] : []
    return known.length > 0
      ? fc.oneof(fc.constantFrom(...known), fc.constantFrom(...known), fc.uuid())
      : fc.uuid()
  }
  return fc.string({
    minLength: 1,
    maxLength: 20,
    unit: fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code)),
  })
}

/** One thing changed, somewhere inside. */
function mutate(value: unknown, path: readonly number[], instead: unknown, how: string): unknown {
  const [step, ...rest] = path
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : []
  const key = step === undefined ? undefined : keys[step % Math.max(1, keys.length)]
  if (key === undefined) return how === 'wrap' ? [value] : instead
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value)
    ? [...value]
    : { ...(value as object) }
  const place = copy as Record<string, unknown>
  if (rest.length > 0) place[key] = mutate(place[key], rest, instead, how)
  else if (how === 'drop') delete place[key]
  else if (how === 'add') place[`${key}x`] = instead
  else place[key] = how === 'wrap' ? [place[key]] : instead
  return copy
}

export interface Sent {
  readonly name: unknown
  readonly args: readonly unknown[]
}

const names = Object.keys(commands) as CommandName[]

/** A command as it should be, one with something wrong in it, or rubbish. */
export function anyCommand(ids: KnownIds): fc.Arbitrary<Sent> {
  const right = fc.constantFrom(...names).chain(name => {
    const schema = z.toJSONSchema(commands[name].input, { io: 'input', unrepresentable: 'any' }) as Schema
    return taken(schema, ids).map(input => ({ name, args: [input] }))
  })
  const how = fc.constantFrom('replace', 'drop', 'add', 'wrap')
  const path = fc.array(fc.nat(10), { minLength: 1, maxLength: 4 })
  const wrong = fc
    .tuple(right, path, nasty, how)
    .map(([{ name, args }, at, instead, way]) => ({ name, args: [mutate(args[0], at, instead, way)] }))
  const name = fc.oneof(
    fc.constantFrom(...names),
    fc.string(),
    fc.integer(),
    fc.constantFrom('__proto__', 'error', 'toString'),
  )
  const rubbish = fc.record({ name, args: fc.array(nasty, { maxLength: 3 }) })
  return fc.oneof(
    { weight: 3, arbitrary: right },
    { weight: 4, arbitrary: wrong },
    { weight: 2, arbitrary: rubbish },
  )
}
