import { z } from 'zod'
import { requireContact } from '../contacts/index.ts'
import {
  cursorId,
  idField,
  lineField,
  pageOf,
  pageQuery,
  type Route,
  tenantRoute,
  textField,
  toPage,
} from '../http/index.ts'
import { forget, forgetAll, remember } from './memories.ts'
import { listMemories } from './memoryStore.ts'
import { memorySources } from './schema.ts'

const memoryView = z
  .object({
    id: z.uuid(),
    contactId: z.uuid(),
    agentId: z.uuid().nullable(),
    key: z.string(),
    value: z.string(),
    category: z.string().nullable(),
    source: z.enum(memorySources),
    sourceId: z.uuid().nullable().describe('The conversation it was learnt in'),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'Memory' })

export const memoryKey = lineField(100)
export const memoryValue = textField(2_000).min(1, 'must not be empty')
export const memoryCategory = lineField(50)

const memoryInput = z.strictObject({
  key: memoryKey.describe('Such as `shoe size`; a new value under it takes the place of the former one'),
  value: memoryValue,
  category: memoryCategory.optional(),
})

const ofContact = z.strictObject({ contactId: idField })
const search = lineField(200).optional().describe('Words, or beginnings of words, that all occur')

const memoryTag = { tag: 'Memories' } as const

export const memoryRoutes = (): Route[] => [
  tenantRoute({
    ...memoryTag,
    method: 'get',
    path: '/api/v1/contacts/{contactId}/memories',
    summary: 'What is remembered of a contact, newest first',
    permission: 'agents:read',
    params: ofContact,
    query: pageQuery.extend({ q: search }),
    reply: pageOf(memoryView),
    handle: async ({ scope, tx, params, query }) => {
      await requireContact(scope, tx, params.contactId)
      const page = { limit: query.limit, after: cursorId(query), search: query.q }
      return toPage(await listMemories(tx, scope, params.contactId, page), query)
    },
  }),
  tenantRoute({
    ...memoryTag,
    method: 'post',
    path: '/api/v1/contacts/{contactId}/memories',
    summary: 'Remember something of a contact',
    permission: 'agents:write',
    idempotent: true,
    params: ofContact,
    body: memoryInput,
    reply: memoryView,
    status: 201,
    handle: ({ scope, tx, params, body }) =>
      remember(scope, tx, { ...body, contactId: params.contactId, source: 'manual' }),
  }),
  tenantRoute({
    ...memoryTag,
    method: 'delete',
    path: '/api/v1/contacts/{contactId}/memories/{id}',
    summary: 'Forget one thing',
    permission: 'agents:write',
    params: ofContact.extend({ id: idField }),
    handle: ({ scope, tx, params }) => forget(scope, tx, params.contactId, params.id),
  }),
  tenantRoute({
    ...memoryTag,
    method: 'delete',
    path: '/api/v1/contacts/{contactId}/memories',
    summary: 'Forget everything that is remembered of a contact',
    permission: 'agents:write',
    params: ofContact,
    handle: ({ scope, tx, params }) => forgetAll(scope, tx, params.contactId),
  }),
]
