import { z } from 'zod'
import {
  type Audience,
  type CommandInput,
  type CommandOutput,
  type CommandsOf,
  credentialSchema,
} from './commands.ts'
import {
  conversationLineSchema,
  conversationSchema,
  entrySchema,
  markSchema,
  owners,
  runSchema,
  senderSchema,
} from './entries.ts'
import { type ErrorCode, errorCodes } from './errors.ts'
import { idField } from './fields.ts'
import { sourceStateSchema } from './sources.ts'

const conversationId = idField
const position = z.int().min(0)
const code = z.enum(errorCodes as [ErrorCode, ...ErrorCode[]])

/** Why a command was not carried out. */
export const failureSchema = z.object({
  code,
  message: z.string(),
  retryable: z.boolean(),
  /** Seconds to wait before the same command may be sent again. */
  retryAfter: z.number().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
})

export type Failure = z.output<typeof failureSchema>

/** What acknowledges every command. */
export type Ack<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: Failure }

/** Every event that the server sends. Those marked ephemeral may be lost; the others follow from the log (L6). */
export const events = {
  /** The first event of a connection. */
  welcome: z.object({
    /** The version the server speaks. */
    version: z.int(),
    self: senderSchema,
    /** When the credential ends unless it is renewed; null: it does not. */
    expiresAt: z.iso.datetime().nullable(),
  }),
  /** Consecutive entries of one log, the newest last; `head` is the position of the last one. */
  entries: z.object({ conversationId, entries: z.array(entrySchema).min(1), head: position }),
  /** Where a log ends: whoever is behind asks for what is missing (L5). */
  head: z.object({ conversationId, head: position }),
  /** Status, title, owner or assignee have changed. */
  conversation: conversationSchema,
  /** Somebody else answers from now on (L7). The first that is heard of it; the state follows. */
  owner: z.object({
    conversationId,
    owner: z.enum(owners),
    assignedMemberId: idField.nullable(),
    epoch: position,
  }),
  /** Ephemeral: how far an agent has come with its answer. */
  run: runSchema.extend({ conversationId }),
  /** Ephemeral: more of that answer. `offset` counts what came before, in UTF-16 units; from 0, it is all there is so far (L6). */
  delta: z.object({ conversationId, runId: idField, epoch: position, offset: position, text: z.string() }),
  mark: markSchema.extend({ conversationId }),
  /** Ephemeral. */
  typing: z.object({
    conversationId,
    sender: senderSchema,
    typing: z.boolean(),
  }),
  /** Ephemeral: whether the other side of a conversation is connected. */
  online: z.object({ conversationId, online: z.boolean() }),
  /** Ephemeral, to members who follow the inbox. */
  presence: z.object({ memberId: idField, status: z.enum(['online', 'away', 'offline']) }),
  /** Lines of the inbox as they are now, for who gets the event; `gone`: conversations that are in it no more. */
  inbox: z.object({ conversations: z.array(conversationLineSchema), gone: z.array(idField) }),
  /** More of the inbox has changed than is told one by one: subscribe again. */
  'inbox.stale': z.object({}),
  /** To members who follow the knowledge: a source as it is now. */
  source: sourceStateSchema,
  /** A source that is no more. */
  'source.gone': z.object({ id: idField }),
  /** Some of it may not have been told: subscribe again. */
  'knowledge.stale': z.object({}),
  /** The credential ends at this time; renew it. */
  'session.expiring': z.object({ expiresAt: z.iso.datetime() }),
  /** Sent before the server ends a connection. Retryable: connect again after `retryAfter` seconds. */
  closing: z.object({ code, retryable: z.boolean(), retryAfter: z.number().optional() }),
} as const satisfies Record<string, z.ZodType>

export type Events = { [Name in keyof typeof events]: z.output<(typeof events)[Name]> }
export type EventName = keyof Events

/** For Socket.IO's types, on both ends. */
export type ServerToClient = { [Name in EventName]: (payload: Events[Name]) => void }
export type ClientToServer<Who extends Audience> = {
  [Name in CommandsOf<Who>]: (
    input: CommandInput<Name>,
    acknowledge: (answer: Ack<CommandOutput<Name>>) => void,
  ) => void
}

const version = z.int().min(0).max(1_000_000)
const credential = credentialSchema

/** What a client presents when it connects to a namespace (Socket.IO's `auth`). */
export const handshakes = {
  /** `token`: a visitor token. The widget's key stands in the query of the connection as `widget`, where Origin is checked. */
  visitor: z.strictObject({ version, token: credential }),
  /** `token`: a session token or API key; left out where the browser sends its session cookie. `tenant`: id or slug, for who belongs to several. */
  member: z.strictObject({
    version,
    token: credential.optional(),
    tenant: z
      .string()
      .max(100)
      .regex(/^[\x20-\x7e]*$/, 'must be printable characters')
      .optional(),
  }),
  /** `ticket`: a join ticket. */
  participant: z.strictObject({ version, ticket: credential }),
} as const satisfies Record<Audience, z.ZodType>

export type Handshake<Who extends Audience> = z.input<(typeof handshakes)[Who]>
