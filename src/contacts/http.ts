import { z } from 'zod'
import {
  cursorId,
  emailField,
  given,
  idParams,
  lineField,
  objectField,
  pageOf,
  pageQuery,
  type Route,
  tagsField,
  tenantRoute,
  toPage,
} from '../http/index.ts'
import { found } from '../kernel/index.ts'
import { createContact } from './createContact.ts'
import { deleteContact } from './deleteContact.ts'
import { listContacts, readContact } from './store.ts'
import { updateContact } from './updateContact.ts'

const moment = z.iso.datetime()

const contactView = z
  .object({
    id: z.uuid(),
    externalId: z.string().nullable(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    phone: z.string().nullable(),
    avatar: z.string().nullable(),
    metadata: z
      .record(z.string(), z.unknown())
      .describe('`attributes`: what visitors or their pages say of them; `page`: where they were last'),
    tags: z.array(z.string()),
    verified: z.boolean(),
    firstSeenAt: moment,
    lastSeenAt: moment,
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Contact' })

const contactInput = z.strictObject({
  externalId: lineField(200).nullable().optional(),
  email: emailField.nullable().optional(),
  name: lineField(200).nullable().optional(),
  phone: lineField(40).nullable().optional(),
  avatar: z
    .url({ protocol: /^https$/, error: 'must be an https:// address' })
    .max(2_000)
    .nullable()
    .optional(),
  metadata: objectField().optional(),
  tags: tagsField.optional(),
})

const filters = pageQuery.extend({
  email: emailField.optional(),
  externalId: z.string().max(200).optional(),
  tag: z.string().max(50).optional(),
  search: lineField(200).optional().describe('Part of a name, address or phone number'),
})

export function contactRoutes(): Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/api/v1/contacts',
      tag: 'Contacts',
      summary: 'Contacts, newest first',
      permission: 'contacts:read',
      query: filters,
      reply: pageOf(contactView),
      handle: async ({ scope, tx, query }) =>
        toPage(await listContacts(tx, scope, { ...query, after: cursorId(query) }), query),
    }),
    tenantRoute({
      method: 'post',
      path: '/api/v1/contacts',
      tag: 'Contacts',
      summary: 'Create a contact',
      permission: 'contacts:write',
      idempotent: true,
      body: contactInput,
      reply: contactView,
      status: 201,
      handle: ({ scope, tx, body }) => createContact(scope, tx, given(body)),
    }),
    tenantRoute({
      method: 'get',
      path: '/api/v1/contacts/{id}',
      tag: 'Contacts',
      summary: 'One contact',
      permission: 'contacts:read',
      params: idParams,
      reply: contactView,
      handle: async ({ scope, tx, params }) => found(await readContact(tx, scope, params.id), 'contact'),
    }),
    tenantRoute({
      method: 'patch',
      path: '/api/v1/contacts/{id}',
      tag: 'Contacts',
      summary: 'Change a contact',
      permission: 'contacts:write',
      params: idParams,
      body: contactInput,
      reply: contactView,
      handle: ({ scope, tx, params, body }) => updateContact(scope, tx, params.id, given(body)),
    }),
    tenantRoute({
      method: 'delete',
      path: '/api/v1/contacts/{id}',
      tag: 'Contacts',
      summary: 'Delete a contact; its conversations stay without it',
      permission: 'contacts:write',
      params: idParams,
      handle: ({ scope, tx, params }) => deleteContact(scope, tx, params.id),
    }),
  ]
}
