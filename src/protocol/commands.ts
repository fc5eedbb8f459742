import { z } from 'zod'
import {
  conversationLineSchema,
  conversationPatchSchema,
  conversationSchema,
  entrySchema,
  markSchema,
  runSchema,
  senderSchema,
} from './entries.ts'
import { idField, lineField, linesField } from './fields.ts'
import { partsSchema } from './parts.ts'
import { sourceStateSchema } from './sources.ts'
import { languageField, ruleIdField } from './widget.ts'

/** Who may connect, each with a namespace of its own: `/visitor`, `/member`, `/participant`. */
export const audiences = ['visitor', 'member', 'participant'] as const
export type Audience = (typeof audiences)[number]

const conversationId = idField
const position = z.int().min(0)
const pageSize = z.int().min(1).max(200)

/** Chosen by the sender, unique among what it sends to one conversation; a repeat is answered like the first (L2). */
export const clientIdSchema = z.string().regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 printable characters')

/** Tokens and keys travel in headers elsewhere, where nothing else is allowed. */
export const credentialSchema = z
  .string()
  .min(1)
  .max(4_096)
  .regex(/^[\x21-\x7e]*$/, 'must be printable characters')

const ratingField = z.int().min(1).max(5)
const attributeNameField = z
  .string()
  .regex(/^[A-Za-z][\w.-]{0,49}$/, 'must be a name of letters, digits, . _ and -')
const attributeField = z.union([linesField(500), z.number(), z.boolean(), z.null()])
const mailField = z.email().max(254).toLowerCase()
/** What a page says of itself, with whatever is in it. */
const pageWords = (max: number) => z.string().max(max)

const stored = z.object({ id: idField, seq: z.int().min(1), createdAt: z.iso.datetime() })

const page = z.object({
  entries: z.array(entrySchema),
  /** Position of the last entry, read before the entries were: there are never fewer than it says (L5). */
  head: position,
  /** Whether there is more in the direction that was asked for: newer with `after`, otherwise older. */
  more: z.boolean(),
})

const fenced = z.strictObject({ conversationId, clientId: clientIdSchema, epoch: position })
const moved = stored.extend({ epoch: position })

const opened = page.extend({
  /** As whom this client speaks here, where that is not as whom it was welcomed. */
  self: senderSchema.optional(),
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
      /** Visitors only: the rule of the widget whose message brought this conversation about. A new one begins with it. */
      greeting: ruleIdField.optional(),
      /** In which that message was shown. */
      language: languageField.optional(),
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
  'conversation.update': {
    for: ['member'],
    input: conversationPatchSchema.extend({ conversationId }),
    output: z.object({}),
  },
  'conversation.escalate': {
    for: ['visitor', 'member'],
    /** Calls people into a conversation that AI answers. */
    input: z.strictObject({
      conversationId,
      clientId: clientIdSchema,
      reason: z.string().max(500).optional(),
    }),
    output: stored,
  },
  'conversation.claim': {
    for: ['member'],
    /** `epoch`: the one that was seen. Of several who claim at once, one succeeds (L7). */
    input: fenced,
    output: moved,
  },
  'conversation.handBack': {
    for: ['member'],
    input: fenced.extend({ to: z.enum(['ai', 'queue']).optional() }),
    output: moved,
  },
  'conversation.resolve': { for: ['member'], input: fenced, output: moved },
  'conversation.reply': {
    for: ['member'],
    /** Says something as the one who has the conversation; refused when it has moved on since `epoch`. */
    input: fenced.extend({ parts: partsSchema, parentId: idField.optional() }),
    output: stored,
  },
  'run.read': {
    for: everyone,
    input: z.strictObject({ conversationId }),
    /** The answer on its way, if there is one; its text so far comes as a `delta` from 0. */
    output: z.object({ run: runSchema.nullable() }),
  },
  'run.stop': { for: everyone, input: z.strictObject({ conversationId }), output: z.object({}) },
  'run.regenerate': {
    for: everyone,
    /** Asks for another answer in the place of the last one. */
    input: z.strictObject({ conversationId }),
    output: z.object({}),
  },
  'message.send': {
    for: everyone,
    input: z.strictObject({
      conversationId,
      clientId: clientIdSchema,
      parts: partsSchema,
      parentId: idField.optional(),
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
      messageId: idField,
      parts: partsSchema,
    }),
    output: stored,
  },
  'message.delete': {
    for: everyone,
    input: z.strictObject({ conversationId, clientId: clientIdSchema, messageId: idField }),
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
    input: z.strictObject({ fileId: idField }),
    /** Addresses under which the file can be read for a while. */
    output: z.object({
      url: z.url(),
      expiresAt: z.iso.datetime(),
      thumbnailUrl: z.url().optional(),
      width: z.int().optional(),
      height: z.int().optional(),
    }),
  },
  'citation.read': {
    for: everyone,
    /** What an answer of this conversation refers to. */
    input: z.strictObject({ conversationId, messageId: idField, chunkId: idField }),
    output: z.object({
      title: z.string(),
      section: z.string().nullable(),
      page: z.int().nullable(),
      text: z.string(),
      /** Where the document can be read by everybody, if it can. */
      url: z.url().nullable(),
    }),
  },
  'speakers.read': {
    for: everyone,
    /** Who speaks in a conversation: agents and people as they call themselves. */
    input: z.strictObject({ conversationId }),
    output: z.object({
      speakers: z.array(
        z.object({ sender: senderSchema, name: z.string().nullable(), avatarUrl: z.string().nullable() }),
      ),
    }),
  },
  'queue.read': {
    for: ['visitor'],
    input: z.strictObject({ conversationId }),
    output: z.object({
      /** From 1; null: it does not wait for people. */
      position: z.int().min(1).nullable(),
      /** What others have waited lately; null: too few did. */
      expectedSeconds: z.int().min(0).nullable(),
      /** Whether anybody of the team is there. */
      staffed: z.boolean(),
    }),
  },
  'rating.set': {
    for: ['visitor'],
    input: z.strictObject({
      conversationId,
      rating: ratingField,
      comment: linesField(2_000).optional(),
    }),
    output: z.object({}),
  },
  'rating.read': {
    for: ['visitor'],
    input: z.strictObject({ conversationId }),
    output: z.object({ rating: ratingField.nullable(), comment: z.string().nullable() }),
  },
  'transcript.mail': {
    for: ['visitor'],
    /** To the address given, or to the one that is known of the visitor. */
    input: z.strictObject({ conversationId, email: mailField.optional() }),
    output: z.object({}),
  },
  'visitor.describe': {
    for: ['visitor'],
    /** What the visitor, or their page, says of them. `null` takes an attribute back. */
    input: z.strictObject({
      name: lineField(200).optional(),
      email: mailField.optional(),
      phone: lineField(40).optional(),
      attributes: z.record(attributeNameField, attributeField).optional(),
    }),
    /** What stays as it was, because the site has proved something else. */
    output: z.object({ kept: z.array(z.enum(['name', 'email', 'phone'])) }),
  },
  'visitor.page': {
    for: ['visitor'],
    /** Where the visitor is; kept only where the widget is set to. */
    input: z.strictObject({
      url: z.url({ protocol: /^https?$/ }).max(2_000),
      title: pageWords(300).optional(),
      referrer: pageWords(2_000).optional(),
      language: pageWords(35).optional(),
      timezone: pageWords(60).optional(),
    }),
    output: z.object({}),
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
      present: z.array(z.object({ memberId: idField, status: z.enum(['online', 'away']) })),
    }),
  },
  'inbox.unsubscribe': { for: ['member'], input: z.strictObject({}), output: z.object({}) },
  'knowledge.subscribe': {
    for: ['member'],
    input: z.strictObject({ limit: pageSize.optional() }),
    output: z.object({ sources: z.array(sourceStateSchema) }),
  },
  'knowledge.unsubscribe': { for: ['member'], input: z.strictObject({}), output: z.object({}) },
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
