import { newId } from '../../../src/kernel/index.ts'
import type { Audience, CommandName, ErrorCode } from '../../../src/protocol/index.ts'
import { text } from '../../support/sockets.ts'

/** A conversation, and of one who may speak there something of their own to change and a credential to renew. */
export interface Target {
  readonly conversationId: string
  readonly messageId: string
  readonly fileId: string
  readonly credential: string
}

/**
 * Every command: who may send it, the permission that members and keys need, both written down here a second time on purpose,
 * and an input that is right for who belongs to the target.
 */
export interface CommandEntry {
  readonly for: readonly Audience[]
  readonly permission: 'conversations:read' | 'conversations:write' | 'knowledge:read' | undefined
  readonly input: (target: Target) => Record<string, unknown>
  /** What someone is told who has nothing to do with the target; `ok` where the command is about the sender alone. */
  readonly stranger: ErrorCode | 'ok'
  /** The same for those of the tenant who may, and have not opened the conversation. */
  readonly unopened?: ErrorCode
  /** What a key of the tenant is told that may all the same not do it. */
  readonly key?: ErrorCode
  /** What everybody is told who may. */
  readonly insider?: ErrorCode
  /** It is about the sender alone, and changes what is kept of them. */
  readonly changesSender?: true
  /** Who has to answer the conversation for it; `self`: the member who sends the command. */
  readonly owner?: 'ai' | 'self'
}

/** At which the target's conversation stands for commands that name one. */
export const epoch = 7

const everyone: readonly Audience[] = ['visitor', 'member', 'participant']
const read = 'conversations:read'
const write = 'conversations:write'
const fresh = () => ({ clientId: newId() })

export const commandMatrix: Readonly<Record<CommandName, CommandEntry>> = {
  'conversation.open': {
    for: everyone,
    permission: read,
    input: ({ conversationId }) => ({ conversationId, after: 0 }),
    stranger: 'not_found',
  },
  'history.read': {
    for: everyone,
    permission: read,
    input: ({ conversationId }) => ({ conversationId, after: 0 }),
    stranger: 'not_found',
  },
  'conversation.leave': {
    for: everyone,
    permission: read,
    input: ({ conversationId }) => ({ conversationId }),
    stranger: 'ok',
  },
  'conversation.list': { for: ['visitor'], permission: read, input: () => ({}), stranger: 'ok' },
  'conversation.update': {
    for: ['member'],
    permission: write,
    input: ({ conversationId }) => ({ conversationId, title: newId(), priority: 1, tags: ['a tag'] }),
    stranger: 'not_found',
  },
  'conversation.escalate': {
    for: ['visitor', 'member'],
    permission: write,
    input: ({ conversationId }) => ({ conversationId, ...fresh() }),
    stranger: 'not_found',
    owner: 'ai',
  },
  'conversation.claim': {
    for: ['member'],
    permission: write,
    input: ({ conversationId }) => ({ conversationId, ...fresh(), epoch }),
    stranger: 'not_found',
    key: 'forbidden',
    owner: 'ai',
  },
  'conversation.reply': {
    for: ['member'],
    permission: write,
    input: ({ conversationId }) => ({ conversationId, ...fresh(), epoch, parts: text('hello') }),
    stranger: 'not_found',
    key: 'forbidden',
    owner: 'self',
  },
  'conversation.handBack': {
    for: ['member'],
    permission: write,
    input: ({ conversationId }) => ({ conversationId, ...fresh(), epoch, to: 'queue' }),
    stranger: 'not_found',
    key: 'forbidden',
    owner: 'self',
  },
  'conversation.resolve': {
    for: ['member'],
    permission: write,
    input: ({ conversationId }) => ({ conversationId, ...fresh(), epoch }),
    stranger: 'not_found',
    key: 'forbidden',
    owner: 'self',
  },
  'run.read': {
    for: everyone,
    permission: read,
    input: ({ conversationId }) => ({ conversationId }),
    stranger: 'not_found',
  },
  'run.stop': {
    for: everyone,
    permission: write,
    input: ({ conversationId }) => ({ conversationId }),
    stranger: 'not_found',
  },
  'run.regenerate': {
    for: everyone,
    permission: write,
    input: ({ conversationId }) => ({ conversationId }),
    stranger: 'not_found',
    // There is no answer that another one could take the place of.
    insider: 'conflict',
  },
  'message.send': {
    for: everyone,
    permission: write,
    input: ({ conversationId }) => ({ conversationId, ...fresh(), parts: text('hello') }),
    stranger: 'not_found',
  },
  'message.edit': {
    for: everyone,
    permission: write,
    input: ({ conversationId, messageId }) => ({
      ...{ conversationId, messageId, ...fresh() },
      parts: text('better'),
    }),
    stranger: 'not_found',
  },
  'message.delete': {
    for: everyone,
    permission: write,
    input: ({ conversationId, messageId }) => ({ conversationId, messageId, ...fresh() }),
    stranger: 'not_found',
  },
  'mark.set': {
    for: everyone,
    permission: read,
    input: ({ conversationId }) => ({ conversationId, delivered: 1, read: 1 }),
    stranger: 'conflict',
    unopened: 'conflict',
  },
  'typing.set': {
    for: everyone,
    permission: write,
    input: ({ conversationId }) => ({ conversationId, typing: true }),
    stranger: 'conflict',
    unopened: 'conflict',
  },
  'file.offer': {
    for: ['visitor', 'participant'],
    permission: write,
    input: ({ conversationId }) => ({ conversationId, name: 'notes.txt' }),
    stranger: 'not_found',
  },
  'file.link': {
    for: everyone,
    permission: read,
    input: ({ fileId }) => ({ fileId }),
    stranger: 'not_found',
  },
  'citation.read': {
    for: everyone,
    permission: read,
    // A message that refers to nothing; what refers to something has a test of its own.
    input: ({ conversationId, messageId }) => ({ conversationId, messageId, chunkId: newId() }),
    stranger: 'not_found',
    insider: 'not_found',
  },
  'speakers.read': {
    for: everyone,
    permission: read,
    input: ({ conversationId }) => ({ conversationId }),
    stranger: 'not_found',
  },
  'queue.read': {
    for: ['visitor'],
    permission: read,
    input: ({ conversationId }) => ({ conversationId }),
    stranger: 'not_found',
  },
  'rating.set': {
    for: ['visitor'],
    permission: write,
    input: ({ conversationId }) => ({ conversationId, rating: 4, comment: 'Thank you.' }),
    stranger: 'not_found',
  },
  'rating.read': {
    for: ['visitor'],
    permission: read,
    input: ({ conversationId }) => ({ conversationId }),
    stranger: 'not_found',
  },
  'transcript.mail': {
    for: ['visitor'],
    permission: read,
    input: ({ conversationId }) => ({ conversationId, email: 'visitor@people.example' }),
    stranger: 'not_found',
  },
  // Of nobody but the sender, so that it is refused to no visitor.
  'visitor.describe': {
    for: ['visitor'],
    permission: undefined,
    input: () => ({ attributes: { plan: 'free' } }),
    stranger: 'ok',
    changesSender: true,
  },
  'visitor.page': {
    for: ['visitor'],
    permission: undefined,
    input: () => ({ url: 'https://shop.example/oak', title: 'Oak table' }),
    stranger: 'ok',
    changesSender: true,
  },
  'presence.set': { for: ['member'], permission: read, input: () => ({ status: 'away' }), stranger: 'ok' },
  'inbox.subscribe': { for: ['member'], permission: read, input: () => ({}), stranger: 'ok' },
  'inbox.unsubscribe': { for: ['member'], permission: read, input: () => ({}), stranger: 'ok' },
  'knowledge.subscribe': {
    for: ['member'],
    permission: 'knowledge:read',
    input: () => ({}),
    stranger: 'ok',
  },
  'knowledge.unsubscribe': {
    for: ['member'],
    permission: 'knowledge:read',
    input: () => ({}),
    stranger: 'ok',
  },
  'session.renew': {
    for: everyone,
    permission: undefined,
    input: ({ credential }) => ({ credential }),
    stranger: 'unauthenticated',
  },
}
