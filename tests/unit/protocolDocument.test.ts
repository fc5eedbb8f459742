import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { runCommands } from '../../src/agents/runs/socket.ts'
import { speakerCommands } from '../../src/agents/speakers.ts'
import { fileCommands } from '../../src/chat/files/index.ts'
import { chatCommands } from '../../src/chat/socket.ts'
import { deskCommands } from '../../src/desk/index.ts'
import { citationCommands, knowledgeCommands } from '../../src/knowledge/socket.ts'
import {
  audiences,
  type CommandName,
  clientIdSchema,
  commands,
  conversationLineSchema,
  conversationSchema,
  type EventName,
  entrySchema,
  errorCodes,
  errorTable,
  events,
  failureSchema,
  handshakes,
  markSchema,
  partSchema,
  protocolVersion,
  sourceStateSchema,
} from '../../src/protocol/index.ts'

const document = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'PROTOCOL.md'), 'utf8')

interface Section {
  readonly title: string
  readonly body: string
}

/** The parts under the headings of one depth; code is no heading. */
function sections(depth: number): Section[] {
  const prose = document.replace(/^```[\s\S]*?^```$/gm, '')
  return prose
    .split(new RegExp(`^(?=#{1,${depth}} )`, 'm'))
    .filter(part => part.startsWith(`${'#'.repeat(depth)} `))
    .map(part => {
      const [heading = '', ...lines] = part.split('\n')
      return { title: heading.slice(depth + 1), body: lines.join('\n') }
    })
}

const parts = sections(3)
const titled = (kind: string): string[] =>
  parts.flatMap(({ title }) => new RegExp(`^${kind} \`(.*)\`$`).exec(title)?.[1] ?? [])

function under(title: string): string {
  const found = parts.filter(part => part.title === title)
  expect(found, `headings "${title}"`).toHaveLength(1)
  return found[0]?.body ?? ''
}

/** Links and code marks are there for the eye. */
const plain = (text: string): string => text.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '')

/** The rows of every table in a text, without head and rule. */
const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter(line => line.startsWith('|'))
    .map(line =>
      line
        .slice(1, -1)
        .split('|')
        .map(cell => plain(cell).trim()),
    )
    .filter(([first = '']) => first !== 'field' && !/^-+$/.test(first))

interface Schema {
  readonly type?: string
  readonly const?: unknown
  readonly enum?: readonly string[]
  readonly format?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

const schemaOf = (schema: z.ZodType): Schema => {
  const { $schema: _version, ...rest } = z.toJSONSchema(schema, { io: 'input' })
  return rest as Schema
}

const senderSchema = entrySchema.shape.sender

/** What the document has a heading or a table for, and refers to by name. */
const objects: Readonly<Record<string, z.ZodType>> = {
  ClientId: clientIdSchema,
  Part: partSchema,
  Sender: senderSchema,
  Entry: entrySchema,
  Mark: markSchema,
  Conversation: conversationSchema,
  ConversationLine: conversationLineSchema,
  Failure: failureSchema,
  SourceState: sourceStateSchema,
}

const named = new Map(
  Object.entries({ ...objects, ErrorCode: failureSchema.shape.code }).map(([name, schema]) => [
    JSON.stringify(schemaOf(schema)),
    name,
  ]),
)

/** A schema in the words of the document. */
function words(schema: Schema): string {
  const name = named.get(JSON.stringify(schema))
  if (name) return name
  if (schema.const !== undefined) return String(schema.const)
  if (schema.enum) return schema.enum.join(', ')
  if (schema.anyOf) return schema.anyOf.map(words).join(' or ')
  if (Array.isArray(schema.type)) return schema.type.join(' or ')
  switch (schema.type) {
    case 'object':
      return objectWords(schema)
    case 'array': {
      const { items = {}, minItems, maxItems } = schema
      const size = range(minItems, maxItems)
      return `${words(items)}[]${size ? ` (${size})` : ''}`
    }
    case 'string':
      if (schema.format === 'uuid') return 'uuid'
      if (schema.format === 'date-time') return 'time'
      return `string ${range(schema.minLength, schema.maxLength)}`.trim()
    case 'integer':
      return `integer ${range(schema.minimum, schema.maximum)}`.trim()
    default:
      return schema.type ?? 'anything'
  }
}

function objectWords({ properties = {}, required = [], additionalProperties }: Schema): string {
  const fields = Object.entries(properties).map(
    ([name, field]) => `${name}${required.includes(name) ? '' : '?'}: ${words(field)}`,
  )
  if (additionalProperties !== false && additionalProperties !== undefined) fields.push('…')
  return fields.length > 0 ? `{ ${fields.join(', ')} }` : '{}'
}

/** The bounds of a number that JavaScript can hold exactly say nothing. */
function range(low?: number, high?: number): string {
  const from = low === Number.MIN_SAFE_INTEGER ? undefined : low
  const to = high === Number.MAX_SAFE_INTEGER ? undefined : high
  if (from !== undefined && to !== undefined) return `${from}–${to}`
  if (from !== undefined) return `≥ ${from}`
  return to === undefined ? '' : `≤ ${to}`
}

/** In the order of their names: which order reads best is the document's business. */
const sorted = (rows: string[][]): string[][] => rows.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))

const namesTypesOf = (text: string): string[][] => sorted(rowsOf(text).map(row => row.slice(0, 3)))

const fieldsOf = ({ properties = {}, required = [] }: Schema): string[][] =>
  sorted(
    Object.entries(properties).map(([name, field]) => [
      name,
      words(field),
      required.includes(name) ? 'yes' : 'no',
    ]),
  )

/** A table of the fields, or the sentence that there is none. */
function expectFields(text: string, schema: z.ZodType, emptyAs: string): void {
  const fields = fieldsOf(schemaOf(schema))
  expect(namesTypesOf(text)).toEqual(fields)
  expect(plain(text).includes(emptyAs)).toBe(fields.length === 0)
}

const between = (text: string, from: string, to: string): string => {
  const [, after = ''] = text.split(from)
  return after.split(to)[0] ?? ''
}

describe('docs/PROTOCOL.md', () => {
  test('has a heading for every command, event, handshake and object, and for nothing else', () => {
    expect(titled('Command').toSorted()).toEqual(Object.keys(commands).toSorted())
    expect(titled('Event').toSorted()).toEqual(Object.keys(events).toSorted())
    expect(titled('Handshake').toSorted()).toEqual(audiences.map(name => `/${name}`).toSorted())
    expect(titled('Object').toSorted()).toEqual(Object.keys(objects).toSorted())
    const kinds = ['Command', 'Event', 'Handshake', 'Object'].flatMap(titled)
    expect(parts).toHaveLength(kinds.length)
  })

  test.each(Object.keys(commands) as CommandName[])(
    'command %s takes and answers what its schemas say',
    name => {
      const text = under(`Command \`${name}\``)
      expectFields(between(text, '\nInput:', '\nOutput:'), commands[name].input, '{}.')
      expectFields(between(text, '\nOutput:', '\nRepeat:'), commands[name].output, '{}.')
      expect(text).toContain('\nRepeat: ')
    },
  )

  test('S3: every command says who may send it, and what members need for it', () => {
    // Made without their parts: none of them is run.
    const makers = [
      ...[chatCommands, fileCommands, deskCommands, knowledgeCommands, runCommands],
      ...[citationCommands, speakerCommands],
    ]
    const all = makers.flatMap(make => make({} as never))
    const made = new Map(all.map(({ name, permission }) => [name, permission]))
    for (const [name, { for: who }] of Object.entries(commands)) {
      const permission = (who as readonly string[]).includes('member')
        ? made.get(name as CommandName)
        : undefined
      expect
        .soft(plain(under(`Command \`${name}\``)), name)
        .toContain(`\nFor: ${who.join(', ')}. Permission: ${permission ?? 'none'}.\n`)
    }
  })

  test.each(Object.keys(events) as EventName[])('event %s carries what its schema says', name => {
    const text = under(`Event \`${name}\``)
    const whole = named.get(JSON.stringify(schemaOf(events[name])))
    if (whole) expect(plain(text)).toContain(`The payload is a ${whole}.`)
    else expectFields(text, events[name], 'The payload is {}.')
  })

  test.each(audiences)('S4: the handshake of a %s has the fields of its schema', audience => {
    expectFields(under(`Handshake \`/${audience}\``), handshakes[audience], 'no fields')
  })

  test('objects have the fields of their schemas', () => {
    const tables = {
      senderSchema,
      entrySchema,
      markSchema,
      conversationSchema,
      conversationLineSchema,
      failureSchema,
      sourceStateSchema,
    }
    for (const schema of Object.values(tables)) {
      const name = named.get(JSON.stringify(schemaOf(schema)))
      expect.soft(namesTypesOf(under(`Object \`${name}\``)), name).toEqual(fieldsOf(schemaOf(schema)))
    }
    const variants = schemaOf(partSchema).oneOf?.map(variant => `- ${words(variant)}`)
    expect(plain(under('Object `Part`')).match(/^- .*$/gm)).toEqual(variants)
    expect(under('Object `ClientId`')).toContain(`\`${z.toJSONSchema(clientIdSchema).pattern}\``)
  })

  test('every code of the error table is explained, and no other', () => {
    const [errors] = sections(2).filter(({ title }) => title === '16 Errors')
    const rows = rowsOf(errors?.body ?? '').filter(([code]) => code !== 'code')
    expect(rows.map(([code, retryable]) => [code, retryable])).toEqual(
      errorCodes.map(code => [code, errorTable[code].retryable ? 'yes' : 'no']),
    )
    for (const [code, , where = '', todo = ''] of rows)
      expect.soft(where.startsWith('HTTP only') || todo.length > 0, code).toBe(true)
  })

  test('names the versions that are spoken', () => {
    const { current, oldest } = protocolVersion
    expect(document).toContain(
      `The server speaks version **${current}**; the oldest that it still admits is **${oldest}**.`,
    )
  })

  test('its links lead somewhere', () => {
    const anchors = [...document.matchAll(/^#{1,3} (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    )
    const wanted = [...document.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = '']) => anchor)
    expect(wanted.filter(anchor => !anchors.includes(anchor))).toEqual([])
  })
})
