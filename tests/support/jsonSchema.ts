type Schema = Record<string, unknown>

const known = new Set([
  '$ref',
  'type',
  'properties',
  'required',
  'additionalProperties',
  'propertyNames',
  'items',
  'prefixItems',
  'enum',
  'const',
  'anyOf',
  'oneOf',
  'allOf',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'minItems',
  'maxItems',
  'description',
  'default',
  'title',
  'id',
  'examples',
  'not',
  'readOnly',
  'deprecated',
  '$schema',
  '$id',
])

/** The parts of JSON Schema that the API's description uses. An unknown keyword is a fault: it would be ignored in silence. */
export function faultsOfSchema(document: Schema, schema: unknown, at = '#'): string[] {
  if (typeof schema === 'boolean') return []
  if (typeof schema !== 'object' || schema === null) return [`${at}: is no schema`]
  const { $ref, properties = {}, items, additionalProperties, propertyNames, pattern } = schema as Schema
  const faults = Object.keys(schema)
    .filter(word => !known.has(word))
    .map(word => `${at}: unknown keyword ${word}`)
  if ($ref !== undefined && lookUp(document, String($ref)) === undefined)
    faults.push(`${at}: ${$ref} leads nowhere`)
  if (typeof pattern === 'string') new RegExp(pattern, 'u')
  const parts = [...Object.entries(properties as Schema)]
  for (const word of ['anyOf', 'oneOf', 'allOf'] as const) {
    for (const [index, part] of (((schema as Schema)[word] as unknown[] | undefined) ?? []).entries())
      parts.push([`${word}${index}`, part])
  }
  for (const [name, part] of Object.entries({ items, additionalProperties, propertyNames }))
    if (part !== undefined) parts.push([name, part])
  return [...faults, ...parts.flatMap(([name, part]) => faultsOfSchema(document, part, `${at}/${name}`))]
}

export function lookUp(document: Schema, ref: string): unknown {
  return ref
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((part, name) => (part as Schema | undefined)?.[name], document)
}

/** What of a value contradicts a schema; every field of an object must be described. */
export function contradictions(document: Schema, given: unknown, value: unknown, at = ''): string[] {
  if (typeof given === 'boolean') return given ? [] : [`${at}: must not be there`]
  const schema = given as Schema
  if (typeof schema.$ref === 'string')
    return contradictions(document, lookUp(document, schema.$ref), value, at)
  for (const word of ['anyOf', 'oneOf'] as const) {
    const choices = schema[word] as unknown[] | undefined
    if (choices)
      return choices.some(choice => contradictions(document, choice, value, at).length === 0)
        ? []
        : [`${at}: fits no choice`]
  }
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) return [`${at}: is none of ${schema.enum}`]
  if ('const' in schema && schema.const !== value) return [`${at}: is not ${schema.const}`]
  const types = schema.type === undefined ? [] : [schema.type].flat()
  if (types.length > 0 && !types.some(type => isOfType(String(type), value))) return [`${at}: is no ${types}`]
  if (typeof value === 'string') {
    if (typeof schema.pattern === 'string' && !new RegExp(schema.pattern, 'u').test(value))
      return [`${at}: breaks ${schema.pattern}`]
    return []
  }
  if (Array.isArray(value)) {
    return schema.items === undefined
      ? []
      : value.flatMap((item, index) => contradictions(document, schema.items, item, `${at}/${index}`))
  }
  return typeof value === 'object' && value !== null ? ofObject(document, schema, value as Schema, at) : []
}

function ofObject(document: Schema, schema: Schema, value: Schema, at: string): string[] {
  if (schema.type === undefined) return []
  const properties = (schema.properties ?? {}) as Schema
  const missing = ((schema.required ?? []) as string[])
    .filter(name => !(name in value))
    .map(name => `${at}/${name}: is missing`)
  const wrong = Object.entries(value).flatMap(([name, inner]) => {
    const described = properties[name] ?? schema.additionalProperties
    return described === undefined
      ? [`${at}/${name}: is not described`]
      : contradictions(document, described, inner, `${at}/${name}`)
  })
  return [...missing, ...wrong]
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}
