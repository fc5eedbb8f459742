import { z } from 'zod'
import {
  countField,
  cursorId,
  idField,
  idParams,
  lineField,
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
  conversationPatchSchema,
  conversationStatuses,
  messageRoles,
  messageTypes,
  owners,
  senderKinds,
} from '../protocol/index.ts'
import { removeGuest } from './endTickets.ts'
import { listConversations, readConversation, readPage } from './store.ts'
import type { Tickets } from './tickets.ts'
import { listUndelivered } from './undeliveredStore.ts'
import { updateConversation } from './updateConversation.ts'

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

const ticketInput = z.strictObject({
  name: lineField(100).describe('How the guest is called'),
  guestId: idField.optional().describe('Of a guest who was invited before: lets the same one in for longer'),
  minutes: z
    .int()
    .min(1)
    .max(24 * 60)
    .default(60)
    .describe('How long it lets in'),
})

const ticketView = z
  .object({
    ticket: z.string().describe('Presented to the gateway as `auth.ticket`'),
    guestId: z.uuid(),
    expiresAt: moment,
  })
  .meta({ id: 'Ticket' })

const undeliveredView = z
  .object({
    id: z.uuid().describe('The conversation'),
    title: z.string().nullable(),
    status: z.enum(conversationStatuses),
    contactId: z.uuid(),
    contactName: z.string().nullable(),
    contactEmail: z.string().nullable(),
    messages: z.int().describe('How many messages none of the visitor’s devices has received'),
    since: moment.describe('When the first of them was sent'),
    lastText: z.string(),
  })
  .meta({ id: 'Undelivered' })

export const chatRoutes = (tickets: Tickets): Route[] => [
  ...conversationRoutes(),
  undeliveredRoute(),
  ticketRoute(tickets),
  removeGuestRoute(),
]

const undeliveredRoute = (): Route =>
  tenantRoute({
    method: 'get',
    path: '/api/v1/undelivered',
    tag: 'Conversations',
    summary: 'Conversations whose visitor has not received everything that was said to them',
    permission: 'conversations:read',
    query: pageQuery,
    reply: pageOf(undeliveredView),
    handle: async ({ scope, tx, query }) =>
      toPage(await listUndelivered(tx, scope, { limit: query.limit, after: cursorId(query) }), query),
  })

const ticketRoute = (tickets: Tickets): Route =>
  tenantRoute({
    method: 'post',
    path: '/api/v1/conversations/{id}/tickets',
    tag: 'Conversations',
    summary: 'A ticket that lets a guest into this conversation',
    permission: 'conversations:write',
    params: idParams,
    body: ticketInput,
    reply: ticketView,
    status: 201,
    handle: async ({ scope, tx, params, body }) => {
      found(await readConversation(tx, scope, params.id), 'conversation')
      const { token, guestId, expiresAt } = await tickets.issue(
        scope,
        tx,
        params.id,
        body.name,
        body.minutes * 60,
        body.guestId,
      )
      await tx.emit({
        type: 'changed',
        action: 'conversation.guest_invited',
        resourceType: 'conversation',
        resourceId: params.id,
        oldValues: null,
        newValues: { guestId, name: body.name, expiresAt },
      })
      return { ticket: token, guestId, expiresAt }
    },
  })

const removeGuestRoute = (): Route =>
  tenantRoute({
    method: 'delete',
    path: '/api/v1/conversations/{id}/tickets/{guestId}',
    tag: 'Conversations',
    summary: 'Takes back the tickets of a guest, who is cut off within seconds',
    permission: 'conversations:write',
    params: idParams.extend({ guestId: idField }),
    handle: ({ scope, tx, params: { id, guestId } }) =>
      removeGuest(scope, tx, { conversationId: id, guestId }),
  })

function conversationRoutes(): Route[] {
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
      method: 'patch',
      path: '/api/v1/conversations/{id}',
      tag: 'Conversations',
      summary: 'Change a conversation',
      permission: 'conversations:write',
      params: idParams,
      body: conversationPatchSchema,
      reply: conversationView,
      handle: ({ scope, tx, params, body }) => updateConversation(scope, tx, params.id, body),
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
        const items = await readPage(tx, scope, 'all', { conversationId: params.id, ...query })
        return { items, head: conversation.seq }
      },
    }),
  ]
}
