import { z } from 'zod'
import {
  countField,
  cursorId,
  idField,
  idParams,
  pageOf,
  pageQuery,
  type Route,
  tenantRoute,
  toPage,
} from '../http/index.ts'
import { found } from '../kernel/index.ts'
import {
  channels,
  conversationKinds,
  conversationStatuses,
  messageRoles,
  messageTypes,
  owners,
  senderKinds,
} from './schema.ts'
import { listConversations, readConversation, readLog } from './store.ts'

const moment = z.iso.datetime()

const conversationView = z
  .object({
    id: z.uuid(),
    kind: z.enum(conversationKinds),
    channel: z.enum(channels),
    status: z.enum(conversationStatuses),
    priority: z.int(),
    tags: z.array(z.string()),
    title: z.string().nullable(),
    contactId: z.uuid().nullable(),
    widgetId: z.uuid().nullable(),
    agentId: z.uuid().nullable(),
    meetingId: z.uuid().nullable(),
    assignedMemberId: z.uuid().nullable(),
    owner: z.enum(owners).describe('Who answers: the AI, nobody yet, or a member'),
    seq: z.int().describe('Position of the last entry of the log'),
    archived: z.boolean(),
    startedAt: moment,
    resolvedAt: moment.nullable(),
    lastMessageAt: moment.nullable(),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Conversation' })

const messageView = z
  .object({
    id: z.uuid(),
    seq: z.int().describe('Position in the log: from 1, without holes'),
    publicSeq: z.int().nullable().describe('Position among the entries a visitor sees; null for the others'),
    role: z.enum(messageRoles),
    type: z.enum(messageTypes),
    parts: z.array(z.record(z.string(), z.unknown())),
    text: z.string(),
    parentId: z.uuid().nullable(),
    senderKind: z.enum(senderKinds),
    senderId: z.uuid(),
    model: z.string().nullable(),
    finishReason: z.string().nullable(),
    createdAt: moment,
  })
  .meta({ id: 'Message' })

const filters = pageQuery.extend({
  status: z.enum(conversationStatuses).optional(),
  channel: z.enum(channels).optional(),
  contactId: idField.optional(),
  assignedMemberId: idField.optional(),
})

const logQuery = z.strictObject({
  after: countField(0).default(0).describe('Entries after this position'),
  limit: countField(1, 200).default(100),
})

export function chatRoutes(): Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/api/v1/conversations',
      tag: 'Conversations',
      summary: 'Conversations, newest first',
      permission: 'conversations:read',
      query: filters,
      reply: pageOf(conversationView),
      handle: async ({ scope, tx, query }) =>
        toPage(await listConversations(tx, scope, { ...query, after: cursorId(query) }), query),
    }),
    tenantRoute({
      method: 'get',
      path: '/api/v1/conversations/{id}',
      tag: 'Conversations',
      summary: 'One conversation',
      permission: 'conversations:read',
      params: idParams,
      reply: conversationView,
      handle: async ({ scope, tx, params }) =>
        found(await readConversation(tx, scope, params.id), 'conversation'),
    }),
    tenantRoute({
      method: 'get',
      path: '/api/v1/conversations/{id}/messages',
      tag: 'Conversations',
      summary: 'The log of a conversation, in order',
      permission: 'conversations:read',
      params: idParams,
      query: logQuery,
      reply: z.object({ items: z.array(messageView), head: z.int().describe('Position of the last entry') }),
      handle: async ({ scope, tx, params, query }) => {
        // Position first, then rows: what is committed in between is only ever more than the position promises.
        const conversation = found(await readConversation(tx, scope, params.id), 'conversation')
        return { items: await readLog(tx, scope, params.id, query), head: conversation.seq }
      },
    }),
  ]
}
