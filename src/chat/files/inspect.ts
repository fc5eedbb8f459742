import { createHash } from 'node:crypto'
import { ParleyError } from '../../kernel/index.ts'
import type { Content } from '../../providers/files.ts'
import { acceptedTypes, type FileType, fileTypes, type Kind, typeDeclared, typesOfKind } from './fileTypes.ts'
import { hasControls, headLength, recognise } from './recognise.ts'

/** What is known of a file once all of it has passed. */
export interface Inspection {
  readonly size: number
  readonly sha256: string
  readonly mimeType: string
}

export interface Claims {
  readonly type: string | undefined
  readonly size: number | undefined
  /** Of files without a declared type, the ending of the name tells texts apart. */
  readonly extension: string
  readonly maxBytes: number
}

/**
 * Passes content on while it is counted, hashed and looked at, and ends it with an error as soon as it turns out to be what may
 * not be stored. The result is there once the content has been read to its end.
 */
export function inspect(content: Content, claims: Claims): { content: Content; result(): Inspection } {
  let result: Inspection | undefined
  if ((claims.size ?? 0) > claims.maxBytes) throw tooLarge(claims.maxBytes)
  const declared = typeDeclared(claims.type)
  if (declared !== undefined && !Object.hasOwn(fileTypes, declared)) throw notTaken()

  async function* inspected(): Content {
    const hash = createHash('sha256')
    let size = 0
    let checks: Checks | undefined
    for await (const part of withHead(content)) {
      size += part.length
      if (size > claims.maxBytes) throw tooLarge(claims.maxBytes)
      checks ??= checksFor(part, declared)
      checks.see(part)
      hash.update(part)
      yield part
    }
    if (!checks) throw new ParleyError('invalid_request', 'The file is empty.')
    const mimeType = checks.conclude(claims.extension)
    result = { size, sha256: hash.digest('hex'), mimeType }
  }

  return {
    content: inspected(),
    result: () => {
      if (!result) throw new Error('the content was not read to its end')
      return result
    },
  }
}

/** The same content with enough in its first part to recognise it by, however small the pieces it comes in. */
async function* withHead(content: Content): Content {
  let head: Uint8Array | undefined = new Uint8Array()
  for await (const part of content) {
    if (head === undefined) {
      yield part
      continue
    }
    head = Buffer.concat([head, part])
    if (head.length < headLength) continue
    yield head
    head = undefined
  }
  if (head && head.length > 0) yield head
}

interface Checks {
  see(part: Uint8Array): void
  /** The type, now that all has been seen. */
  conclude(extension: string): string
}

function checksFor(head: Uint8Array, declared: string | undefined): Checks {
  const kind = recognise(head)
  if (kind === undefined) throw notTaken()
  if (declared !== undefined && fileTypes[declared]?.kind !== kind) throw mismatch(declared)
  if (kind === 'text') return textChecks(declared)
  if (kind === 'zip') return zipChecks(declared)
  return { see: () => undefined, conclude: () => declared ?? firstOf(kind) }
}

function textChecks(declared: string | undefined): Checks {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const refuse = () =>
    new ParleyError('unsupported_media_type', 'Texts must be UTF-8 without control characters.')
  const decode = (part?: Uint8Array) => {
    try {
      decoder.decode(part, { stream: part !== undefined })
    } catch {
      throw refuse()
    }
  }
  return {
    see: part => {
      if (hasControls(part)) throw refuse()
      decode(part)
    },
    conclude: extension => {
      decode()
      return declared ?? named('text', extension) ?? firstOf('text')
    },
  }
}

/** Macros: the one part of these documents that is a program. */
const macros = 'vbaProject.bin'

/** Entries are named in plain text, whatever they are compressed with: what a document consists of shows while it passes. */
function zipChecks(declared: string | undefined): Checks {
  const documents = typesOfKind('zip').filter(hasEntry)
  const wanted = [...documents.map(([, { entry }]) => entry), macros]
  const seen = new Set<string>()
  let end = ''
  return {
    see: part => {
      const text = end + Buffer.from(part).toString('latin1')
      for (const entry of wanted) if (text.includes(entry)) seen.add(entry)
      // A name may lie across two parts.
      end = text.slice(-32)
    },
    conclude: () => {
      const found = documents.filter(([, { entry }]) => seen.has(entry)).map(([type]) => type)
      const type = declared ?? (found.length === 1 ? found[0] : undefined) ?? firstOf('zip')
      if (type === 'application/zip') return type
      if (!found.includes(type)) throw mismatch(type)
      if (seen.has(macros))
        throw new ParleyError('unsupported_media_type', 'Documents with macros are not taken.')
      return type
    },
  }
}

const hasEntry = (pair: readonly [string, FileType]): pair is [string, FileType & { entry: string }] =>
  pair[1].entry !== undefined

const named = (kind: Kind, extension: string): string | undefined =>
  typesOfKind(kind).find(([, { extensions }]) => extensions.includes(extension))?.[0]

function firstOf(kind: Kind): string {
  const [first] = typesOfKind(kind)
  if (!first) throw new Error(`no type is of the kind ${kind}`)
  return first[0]
}

const notTaken = () =>
  new ParleyError(
    'unsupported_media_type',
    `Files of this type are not taken. Taken are ${acceptedTypes.join(', ')}.`,
  )

const mismatch = (declared: string) =>
  new ParleyError('unsupported_media_type', `The file is declared as ${declared} and is something else.`)

const tooLarge = (maxBytes: number) =>
  new ParleyError('payload_too_large', `A file may have at most ${maxBytes / 1024 / 1024} MiB.`)
