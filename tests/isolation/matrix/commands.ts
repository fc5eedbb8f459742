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
  readonly permission: 'conversations:read' | 'conversations:write' | undefined
  readonly input: (target: Target) => Record<string, unknown>
  /** What someone is told who has nothing to do with the target; `ok` where the command is about the sender alone. */
  readonly stranger: ErrorCode | 'ok'
  /** The same for those of the tenant who may, and have not opened the conversation. */
  readonly unopened?: ErrorCode
}

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
  'presence.set': { for: ['member'], permission: read, input: () => ({ status: 'away' }), stranger: 'ok' },
  'inbox.subscribe': { for: ['member'], permission: read, input: () => ({}), stranger: 'ok' },
  'inbox.unsubscribe': { for: ['member'], permission: read, input: () => ({}), stranger: 'ok' },
  'session.renew': {
    for: everyone,
    permission: undefined,
    input: ({ credential }) => ({ credential }),
    stranger: 'unauthenticated',
  },
}
