import { z } from 'zod'
import { conversationLineSchema, conversationSchema, entrySchema, markSchema } from './entries.ts'
import { partsSchema } from './parts.ts'

/** Who may connect, each with a namespace of its own: `/visitor`, `/member`, `/participant`. */
export const audiences = ['visitor', 'member', 'participant'] as const
export type Audience = (typeof audiences)[number]

const conversationId = z.uuid()
const position = z.int().min(0).max(Number.MAX_SAFE_INTEGER)
const pageSize = z.int().min(1).max(200)

/** Chosen by the sender, unique among what it sends to one conversation; a repeat is answered like the first (L2). */
export const clientIdSchema = z.string().regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 printable characters')

/** Tokens and keys travel in headers elsewhere, where nothing else is allowed. */
export const credentialSchema = z
  .string()
  .min(1)
  .max(4_096)
  .regex(/^[\x21-\x7e]*$/, 'must be printable characters')

const stored = z.object({ id: z.uuid(), seq: z.int().min(1), createdAt: z.iso.datetime() })

const page = z.object({
  entries: z.array(entrySchema),
  /** Position of the last entry, read before the entries were: there are never fewer than it says (L5). */
  head: position,
  /** Whether there is more in the direction that was asked for: newer with `after`, otherwise older. */
  more: z.boolean(),
})

const opened = page.extend({
  conversation: conversationSchema,
  marks: z.array(markSchema),
  /** Whether the visitor, or for visitors anyone of the team, is connected. */
  online: z.boolean(),
})

interface CommandShape {
  readonly for: readonly Audience[]
  readonly input: z.ZodType
  readonly output: z.ZodType
}

const everyone: readonly Audience[] = audiences

/** Every command of the protocol: who may send it, what it takes, what its acknowledgement carries. */
export const commands = {
  'conversation.open': {
    for: everyone,
    input: z.strictObject({
      conversationId: conversationId.optional(),
      clientId: clientIdSchema.optional(),
      after: position.optional(),
      limit: pageSize.optional(),
    }),
    output: opened,
  },
  'conversation.leave': {
    for: everyone,
    input: z.strictObject({ conversationId }),
    output: z.object({}),
  },
  'conversation.list': {
    for: ['visitor'],
    input: z.strictObject({ limit: pageSize.optional() }),
    output: z.object({ conversations: z.array(conversationLineSchema) }),
  },
  'message.send': {
    for: everyone,
    input: z.strictObject({
      conversationId,
      clientId: clientIdSchema,
      parts: partsSchema,
      parentId: z.uuid().optional(),
      /** Members only: a note that no visitor sees. */
      note: z.boolean().optional(),
    }),
    output: stored,
  },
  'message.edit': {
    for: everyone,
    input: z.strictObject({
      conversationId,
      clientId: clientIdSchema,
      messageId: z.uuid(),
      parts: partsSchema,
    }),
    output: stored,
  },
  'message.delete': {
    for: everyone,
    input: z.strictObject({ conversationId, clientId: clientIdSchema, messageId: z.uuid() }),
    output: stored,
  },
  'history.read': {
    for: everyone,
    input: z
      .strictObject({
        conversationId,
        after: position.optional(),
        before: position.optional(),
        limit: pageSize.optional(),
      })
      .refine(
        ({ after, before }) => (after === undefined) !== (before === undefined),
        'needs either after or before',
      ),
    output: page,
  },
  'mark.set': {
    for: everyone,
    input: z.strictObject({
      conversationId,
      delivered: position.optional(),
      read: position.optional(),
    }),
    output: z.object({}),
  },
  'typing.set': {
    for: everyone,
    input: z.strictObject({
      conversationId,
      typing: z.boolean(),
      /** Members only: what is being written is a note, of which no visitor hears. */
      note: z.boolean().optional(),
    }),
    output: z.object({}),
  },
  'file.offer': {
    for: ['visitor', 'participant'],
    input: z.strictObject({ conversationId, name: z.string().trim().min(1).max(255) }),
    /** Where to POST the file, as it is, within minutes; members and keys upload through the API. */
    output: z.object({ url: z.url(), expiresAt: z.iso.datetime() }),
  },
  'file.link': {
    for: everyone,
    input: z.strictObject({ fileId: z.uuid() }),
    /** Addresses under which the file can be read for a while. */
    output: z.object({
      url: z.url(),
      expiresAt: z.iso.datetime(),
      thumbnailUrl: z.url().optional(),
      width: z.int().optional(),
      height: z.int().optional(),
    }),
  },
  'presence.set': {
    for: ['member'],
    input: z.strictObject({ status: z.enum(['online', 'away']) }),
    output: z.object({}),
  },
  'inbox.subscribe': {
    for: ['member'],
    input: z.strictObject({ limit: pageSize.optional() }),
    output: z.object({
      conversations: z.array(conversationLineSchema),
      present: z.array(z.object({ memberId: z.uuid(), status: z.enum(['online', 'away']) })),
    }),
  },
  'inbox.unsubscribe': { for: ['member'], input: z.strictObject({}), output: z.object({}) },
  'session.renew': {
    for: everyone,
    /** Left out by who connected with a session cookie: it is looked at anew. */
    input: z.strictObject({ credential: credentialSchema.optional() }),
    output: z.object({ expiresAt: z.iso.datetime().nullable() }),
  },
} as const satisfies Record<string, CommandShape>

export type Commands = typeof commands
export type CommandName = keyof Commands
export type CommandInput<Name extends CommandName> = z.input<Commands[Name]['input']>
export type CommandOutput<Name extends CommandName> = z.output<Commands[Name]['output']>

/** The commands that an audience may send. */
export type CommandsOf<Who extends Audience> = {
  [Name in CommandName]: Who extends Commands[Name]['for'][number] ? Name : never
}[CommandName]

export const isCommand = (name: unknown): name is CommandName =>
  typeof name === 'string' && Object.hasOwn(commands, name)

export type { CommandShape }
